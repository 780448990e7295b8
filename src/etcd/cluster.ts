/**
 * The cluster according to its members' statuses, kept up to date.
 *
 *   status polls ──► status of each ──┬──► cluster view ──► onChange: leader, alarms, another cluster
 *   health of each ───────────────────┘ └► eligibility of each ──► member table
 *
 * Writes the last status of each member, and reports changes. The rules are in cluster-view.ts and
 * eligibility.ts, both pure.
 */
import { EventEmitter } from 'node:events';
import { smoothed } from '../balancing/latency.ts';
import type { LiveSettings } from '../config/live-settings.ts';
import type { Settings } from '../config/settings.ts';
import { acceptsNew } from '../health/state/health.ts';
import type { Member } from '../members/member.ts';
import { highestRevision, type KnownCluster, type WentBack } from './known-cluster.ts';
import {
  type ClusterView,
  type Leader,
  type NamedAlarm,
  newestList,
  viewOf,
} from './status/cluster-view.ts';
import { type Ineligibility, ineligibilityOf } from './status/eligibility.ts';
import type { ListedMember, MemberStatus, PollResult } from './status/member-status.ts';

/** A change, as an event of one of these kinds. Members are given by name; `why` is one clause. */
export type ClusterChange = Readonly<
  /** `without`: for how long no leader was known, ms. `first`: is this the first known leader? */
  | { kind: 'leader-changed'; leader: string; term: number; without?: number; first: boolean }
  | { kind: 'leader-lost'; was: string; term: number }
  | { kind: 'alarm-raised' | 'alarm-cleared'; alarm: string; member: string }
  | { kind: 'inspection-failing'; member: string; why: string }
  | { kind: 'inspection-back'; member: string }
  /** `was` is the id of the known cluster. */
  | { kind: 'cluster-replaced' | 'cluster-returned'; cluster: string; was: string }
>;

/** Another cluster in place of the known one. */
export interface Replaced {
  readonly id: string;
  /** The id of the known one. */
  readonly was: string;
}

export interface ClusterOptions {
  /** The current members. */
  readonly members: () => readonly Member[];
  readonly settings: LiveSettings<Pick<Settings, 'maxLag'>>;
  /** Called for each member with a status, after every poll. */
  readonly onEligibility: (member: Member, ineligibility: Ineligibility | undefined) => void;
  readonly onChange: (change: ClusterChange) => void;
  readonly known: KnownCluster;
}

interface ClusterEvents {
  /** Has another cluster taken the place of the known one? After every poll, before eligibilities change. */
  replaced: [boolean];
}

export class Cluster extends EventEmitter<ClusterEvents> {
  readonly #options: ClusterOptions;
  /** The last known leader; `lostAt` is undefined while it leads. Times are ms since the epoch. */
  #led: { leader: Leader; since: number; lostAt: number | undefined } | undefined;
  #leaderChanges = 0;
  #alarms: ReadonlyMap<string, NamedAlarm> = new Map();
  #replaced: Replaced | undefined;

  constructor(options: ClusterOptions) {
    super();
    this.#options = options;
  }

  /** The cluster at this moment. */
  get view(): ClusterView {
    return viewOfAll(this.#options.members(), this.#options.known.id);
  }

  /** Set while another cluster has taken the place of the known one, and no operator has accepted it. */
  get replaced(): Replaced | undefined {
    return this.#replaced;
  }

  /** Since when the current leader is known to lead, ms since the epoch. */
  get leaderSince(): number | undefined {
    return this.#isLed ? this.#led?.since : undefined;
  }

  /** How often the leader has changed to another member. */
  get leaderChanges(): number {
    return this.#leaderChanges;
  }

  /** Is the leader known, or no status at all? Then fast polls are of no use. */
  get isSettled(): boolean {
    const isSaid = this.#options.members().some(({ status }) => status !== undefined);
    return this.#isLed || !isSaid;
  }

  /** Applies the result of a poll at `now` (ms since the epoch). */
  observe(member: Member, result: PollResult, now: number): void {
    const { onChange } = this.#options;
    const { name } = member;
    const wasUnknown = member.statusError !== undefined;
    if (result.kind === 'unknown') {
      member.statusError = result.why;
      if (!wasUnknown) onChange({ kind: 'inspection-failing', member: name, why: result.why });
    } else {
      member.status = result.status;
      member.statusError = undefined;
      member.latency = smoothed(member.latency, result.status.duration);
      if (wasUnknown) onChange({ kind: 'inspection-back', member: name });
    }
    const { view } = this;
    this.#followIdentity(view, now);
    this.#followLeader(view, now);
    this.#followAlarms(view);
    this.#judge(view);
  }

  /**
   * An operator takes the cluster with this id, or else the one that has replaced the known one, for the known one. Does
   * nothing if no member is of it. Returns its id, and how far it went back.
   */
  accept(id = this.#replaced?.id, now = Date.now()): Accepted | undefined {
    const { members, known } = this.#options;
    const theirs = answersOf(members()).filter(({ clusterId }) => clusterId === id);
    if (id === undefined || theirs.length === 0) return undefined;
    const wentBack = known.accept(id, highestRevision(theirs), now);
    const { view } = this;
    this.#followIdentity(view, now);
    this.#judge(view);
    return { id, wentBack };
  }

  get #isLed(): boolean {
    return this.#led !== undefined && this.#led.lostAt === undefined;
  }

  #followIdentity({ clusterId: cluster, leader }: ClusterView, now: number): void {
    const { members, known, onChange } = this.#options;
    const all = members();
    const ours = answersOf(all).filter(({ clusterId }) => clusterId === cluster);
    const healthy = all.filter(
      ({ health, status }) => acceptsNew(health) && status && ours.includes(status),
    );
    const leading = healthy.find(({ status }) => status?.memberId === leader?.memberId);
    known.observe(
      {
        ...{ id: cluster, ours, size: all.length, isServing: healthy.length > 0 },
        ...{ leading: leading?.status, passedFrom: leading && passedFrom(leading) },
      },
      now,
    );
    const before = this.#replaced;
    const { id: was } = known;
    const isReplaced = cluster !== undefined && was !== undefined && cluster !== was;
    this.#replaced = isReplaced ? { id: cluster, was } : undefined;
    if (isReplaced && before?.id !== cluster) onChange({ kind: 'cluster-replaced', cluster, was });
    if (!isReplaced && before !== undefined && before.was === was) {
      onChange({ kind: 'cluster-returned', cluster: before.id, was });
    }
    this.emit('replaced', isReplaced);
  }

  #followLeader({ leader, term }: ClusterView, now: number): void {
    const { onChange } = this.#options;
    const last = this.#led;
    if (leader === undefined) {
      if (last === undefined || last.lostAt !== undefined) return;
      this.#led = { ...last, lostAt: now };
      onChange({ kind: 'leader-lost', was: last.leader.name, term });
      return;
    }
    const isOther = leader.memberId !== last?.leader.memberId;
    if (!isOther && last.lostAt === undefined) return;
    if (isOther && last !== undefined) this.#leaderChanges += 1;
    this.#led = { leader, since: now, lostAt: undefined };
    onChange({
      ...{ kind: 'leader-changed', leader: leader.name, term, first: last === undefined },
      ...(last?.lostAt !== undefined && { without: now - last.lostAt }),
    });
  }

  #followAlarms({ alarms }: ClusterView): void {
    const before = this.#alarms;
    this.#alarms = new Map(alarms.map((alarm) => [`${alarm.kind} ${alarm.memberId}`, alarm]));
    const tell = (kind: 'alarm-raised' | 'alarm-cleared', { kind: alarm, member }: NamedAlarm) =>
      this.#options.onChange({ kind, alarm, member });
    for (const [key, alarm] of this.#alarms) if (!before.has(key)) tell('alarm-raised', alarm);
    for (const [key, alarm] of before) if (!this.#alarms.has(key)) tell('alarm-cleared', alarm);
  }

  #judge({ clusterId, leader }: ClusterView): void {
    const { members, settings, onEligibility } = this.#options;
    const all = members();
    const leading = all.find(({ status }) => status && status.memberId === leader?.memberId);
    for (const member of all) {
      const { status } = member;
      if (status === undefined) continue;
      member.leads = member === leading;
      const { maxLag } = settings.current;
      onEligibility(member, ineligibilityOf(status, clusterId, leading?.status, maxLag));
    }
  }
}

/** What an operator has accepted. */
export interface Accepted {
  readonly id: string;
  readonly wentBack: WentBack | undefined;
}

/** What those say that answered the last poll. */
function answersOf(members: readonly Member[]): readonly MemberStatus[] {
  return members.flatMap(({ status, statusError }) =>
    status !== undefined && statusError === undefined ? [status] : [],
  );
}

/** When the check began that the member has passed before its last status, ms since the epoch. */
function passedFrom({ lastCheck, status }: Member): number | undefined {
  if (!lastCheck?.ok || status === undefined || lastCheck.at > status.at) return undefined;
  return lastCheck.at - lastCheck.duration;
}

/** The cluster view from the statuses of these members. @param known see `viewOf`. */
export function viewOfAll(members: readonly Member[], known?: string): ClusterView {
  return viewOf(
    members.map(({ name, health, status, statusError }) => ({
      name,
      healthy: acceptsNew(health),
      status,
      answers: statusError === undefined,
    })),
    known,
  );
}

/**
 * The member list of a healthy member. It has just passed a linearizable read, so a quorum has agreed on
 * everything that it had applied by then. (MemberList itself is not linearizable before 3.5, and etcd3 cannot
 * ask for that.) Of several lists, the one of the member that has applied most. Empty if there is none.
 *
 * @param known see `viewOf`.
 */
export function trustedList(members: readonly Member[], known?: string): readonly ListedMember[] {
  const { clusterId } = viewOfAll(members, known);
  const trusted = members.flatMap(({ health, status, statusError }) => {
    const isTrusted = acceptsNew(health) && statusError === undefined;
    return isTrusted && status?.clusterId === clusterId && !status?.isLearner ? (status ?? []) : [];
  });
  return newestList(trusted);
}
