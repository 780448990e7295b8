/**
 * The cluster view: what the members' statuses mean together. Quorum arithmetic, who leads, who disagrees.
 *
 * Pure, and derived afresh every time. What it says is told and shown; what follows for a single
 * member's connections is eligibility.ts.
 */
import type { Alarm, ListedMember, MemberStatus } from './member-status.ts';

/** What is known of a configured member. */
export interface SeenMember {
  readonly name: string;
  readonly healthy: boolean;
  /** What it said last; absent if it never did. */
  readonly status: MemberStatus | undefined;
  /** Does it answer at this moment? What others said goes on to count where it does not change. */
  readonly answers: boolean;
}

export interface ClusterView {
  /**
   * The cluster to which more than half of those that say one belong; `undefined` when there is none,
   * and with it nothing else is known.
   */
  readonly clusterId: string | undefined;
  /** Members that vote, by their names in the cluster or else their ids; learners do not. */
  readonly voters: readonly string[];
  readonly learners: readonly string[];
  /** Added to the cluster and never started. */
  readonly unstarted: readonly string[];
  /** How many voters it takes to elect a leader and to write. */
  readonly quorum: number;
  /** Voters that pass their checks. */
  readonly healthyVoters: number;
  /** Voters that are none of our members, so that nobody knows how they are. */
  readonly unseenVoters: number;
  /** How many more healthy voters may fail before nothing can be written; unseen ones do not count. */
  readonly tolerance: number;
  readonly leader: Leader | undefined;
  /** That of the leader; without one the newest that anybody speaks of, or 0. */
  readonly term: number;
  /** Members that answer and name another leader than most, none, or another term. */
  readonly disagreeing: readonly string[];
  /** Each alarm once, with the name of who raised it. */
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

/** The view of what is known. Members of another cluster are left out of it. */
export function viewOf(members: readonly SeenMember[]): ClusterView {
  const clusterId = majority(members.flatMap(({ status }) => status?.clusterId ?? []));
  const seen = members.flatMap(({ name, healthy, answers, status }) =>
    status !== undefined && status.clusterId === clusterId
      ? [{ name, healthy, answers, status }]
      : [],
  );
  const answering = seen.filter(({ answers }) => answers);
  // When none answers any more they may well be as they were.
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
  // Not whoever speaks of the newest term: one that is cut off counts up terms all by itself.
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

/** More than half of `voters`; 0 of none. */
export function quorumOf(voters: number): number {
  return voters === 0 ? 0 : Math.floor(voters / 2) + 1;
}

/** Never started, so that it has neither a name nor clients' URLs. */
export function isUnstarted({ name, clientUrls }: ListedMember): boolean {
  return name === '' && clientUrls.length === 0;
}

/** What more than half of `all` are; `undefined` when nothing is. */
function majority<T>(all: readonly T[]): T | undefined {
  const most = mostNamed(all);
  return all.filter((each) => each === most).length > all.length / 2 ? most : undefined;
}

/** What is most often in `all`, the first of several. */
function mostNamed<T>(all: readonly T[]): T | undefined {
  const counts = new Map<T, number>();
  for (const each of all) counts.set(each, (counts.get(each) ?? 0) + 1);
  let most: T | undefined;
  for (const [each, count] of counts) if (count > (counts.get(most as T) ?? 0)) most = each;
  return most;
}

/** A member that lags may know an old list, so that of who has applied most is taken; empty of none. */
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
