/**
 * The cluster view: what the members' statuses mean together. It has the quorum, the leader, and the members
 * that disagree.
 *
 * Pure, and derived anew each time. eligibility.ts decides about a single member's connections.
 */
import type { Alarm, ListedMember, MemberStatus } from './member-status.ts';

/** The part of a member that the view depends on. */
export interface SeenMember {
  readonly name: string;
  readonly healthy: boolean;
  /** Its last status; undefined if there was none. */
  readonly status: MemberStatus | undefined;
  /** Did its last poll succeed? If not, only the lasting parts of its status count. */
  readonly answers: boolean;
}

export interface ClusterView {
  /** See `clusterIdOf`. `undefined` if there is none; then nothing else is known. */
  readonly clusterId: string | undefined;
  /** Members that vote, without learners; by name, or else by id. */
  readonly voters: readonly string[];
  readonly learners: readonly string[];
  /** Members that were added to the cluster but never started. */
  readonly unstarted: readonly string[];
  /** How many voters are needed to elect a leader and to write. */
  readonly quorum: number;
  /** Voters that pass their checks. */
  readonly healthyVoters: number;
  /** Voters that are not among our members, so their health is unknown. */
  readonly unseenVoters: number;
  /** How many more healthy voters may fail before writes fail; unseen voters do not count. */
  readonly tolerance: number;
  readonly leader: Leader | undefined;
  /** The leader's term; without a leader the newest that any member reports, or 0. */
  readonly term: number;
  /** Members that answer, but report no leader, another leader than most, or another term. */
  readonly disagreeing: readonly string[];
  /** Each alarm once, with the name of the member that raised it. */
  readonly alarms: readonly NamedAlarm[];
  /** Versions of the servers, oldest first. */
  readonly versions: readonly string[];
}

export interface NamedAlarm extends Alarm {
  readonly member: string;
}

export interface Leader {
  readonly memberId: string;
  readonly name: string;
}

/**
 * Derives the view. Members of other clusters are left out.
 *
 * @param known the id of the cluster that has served clients so far, if there is one.
 */
export function viewOf(members: readonly SeenMember[], known?: string): ClusterView {
  const clusterId = clusterIdOf(members, known);
  const seen = members.flatMap(({ name, healthy, answers, status }) =>
    status !== undefined && status.clusterId === clusterId
      ? [{ name, healthy, answers, status }]
      : [],
  );
  const answering = seen.filter(({ answers }) => answers);
  // If no member answers, the last statuses may still be true.
  const speaking = answering.length === 0 ? seen : answering;
  const listed = newestList(seen.map(({ status }) => status));
  const nameOf = (id: string): string =>
    seen.find(({ status }) => status.memberId === id)?.name ??
    (listed.find((member) => member.id === id)?.name || id);
  const namesOf = (some: readonly ListedMember[]): string[] =>
    some.map(({ id }) => nameOf(id)).sort(byNumber);
  const voters = listed.filter(({ isLearner }) => !isLearner);
  const healthOf = new Map(seen.map(({ healthy, status }) => [status.memberId, healthy]));
  const healthyVoters = voters.filter(({ id }) => healthOf.get(id) === true).length;
  const quorum = quorumOf(voters.length);
  // The newest term alone decides nothing: a member that is cut off counts up terms by itself.
  const byTerm = speaking.toSorted((a, b) => b.status.term - a.status.term);
  const leaderId = mostNamed(byTerm.flatMap(({ status }) => status.leaderId ?? []));
  const leading = byTerm.find(({ status }) => status.leaderId === leaderId);
  const term = leading?.status.term ?? 0;
  return {
    clusterId,
    voters: namesOf(voters),
    learners: namesOf(listed.filter(({ isLearner }) => isLearner)),
    unstarted: namesOf(listed.filter(isUnstarted)),
    quorum,
    healthyVoters,
    unseenVoters: voters.filter(({ id }) => !healthOf.has(id)).length,
    tolerance: Math.max(0, healthyVoters - quorum),
    leader: leaderId === undefined ? undefined : { memberId: leaderId, name: nameOf(leaderId) },
    term,
    disagreeing: answering
      .filter(({ status }) => status.leaderId !== leaderId || status.term !== term)
      .map(({ name }) => name),
    alarms: distinctAlarms(speaking.flatMap(({ status }) => status.alarms)).map((alarm) => ({
      ...alarm,
      member: nameOf(alarm.memberId),
    })),
    versions: [...new Set(seen.map(({ status }) => status.version))].sort(byNumber),
  };
}

/**
 * Which cluster it is: the known one while a healthy member is of it. Else the one of more than half of all members,
 * which has then taken the place of the known one. Without a known one that of more than half of the members with a
 * status; `undefined` if there is none.
 */
function clusterIdOf(
  members: readonly SeenMember[],
  known: string | undefined,
): string | undefined {
  const said = members.flatMap(({ status }) => status?.clusterId ?? []);
  const most = majority(said);
  if (known === undefined || said.length === 0 || most === known) return most;
  const isServed = members.some(
    ({ healthy, answers, status }) => healthy && answers && status?.clusterId === known,
  );
  // A member that has not answered yet may be of the known one.
  const are = said.filter((id) => id === most).length;
  return !isServed && are > members.length / 2 ? most : known;
}

/** More than half of `voters`; 0 without voters. */
export function quorumOf(voters: number): number {
  return voters === 0 ? 0 : Math.floor(voters / 2) + 1;
}

/** Has the member never started? Then it has neither a name nor client URLs. */
export function isUnstarted({ name, clientUrls }: ListedMember): boolean {
  return name === '' && clientUrls.length === 0;
}

/** The value of more than half of `all`; `undefined` if there is none. */
function majority<T>(all: readonly T[]): T | undefined {
  const most = mostNamed(all);
  return all.filter((each) => each === most).length > all.length / 2 ? most : undefined;
}

/** The most frequent value in `all`; of several, the first. */
function mostNamed<T>(all: readonly T[]): T | undefined {
  const counts = new Map<T, number>();
  for (const each of all) counts.set(each, (counts.get(each) ?? 0) + 1);
  let most: T | undefined;
  for (const [each, count] of counts) if (count > (counts.get(most as T) ?? 0)) most = each;
  return most;
}

/** The list of the member that has applied most, since a lagging one may know an old list. Empty if there is none. */
export function newestList(all: readonly MemberStatus[]): readonly ListedMember[] {
  let newest: MemberStatus | undefined;
  for (const status of all) {
    if (status.members.length === 0) continue;
    if (newest === undefined || status.appliedIndex > newest.appliedIndex) newest = status;
  }
  return newest?.members ?? [];
}

function distinctAlarms(alarms: readonly Alarm[]): Alarm[] {
  const byText = new Map(alarms.map((alarm) => [`${alarm.kind} ${alarm.memberId}`, alarm]));
  return [...byText.values()];
}

/** `3.4.23` before `3.5.16` before `3.10.0`, `m2` before `m10`. */
function byNumber(a: string, b: string): number {
  return a.localeCompare(b, 'en', { numeric: true });
}
