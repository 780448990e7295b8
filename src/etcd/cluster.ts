/**
 * The cluster as its members describe it, kept up to date.
 *
 *   inspections ──► facts of each ──┬──► picture ──► onChange: leader, alarms
 *   verdicts ───────────────────────┘ └► standing of each ──► member table
 *
 * Owns what was last heard of each member, and what is told of a change. The rules are in cluster-view.ts
 * and eligibility.ts, both pure.
 */
import type { Member } from '../members/member.ts';
import {
  type ClusterView,
  type Leader,
  type NamedAlarm,
  newestList,
  viewOf,
} from './cluster-view.ts';
import { type Ineligibility, ineligibilityOf } from './eligibility.ts';
import type { ListedMember, MemberStatus, PollResult } from './member-status.ts';

/** What has changed. Times are ms. */
export type ClusterChange =
  | {
      readonly kind: 'leader';
      readonly leader: Leader;
      readonly term: number;
      /** For how long members had been seen to know no leader; `undefined` if none was seen to. */
      readonly without: number | undefined;
      /** Is it the first that we know of? */
      readonly first: boolean;
    }
  | { readonly kind: 'no-leader'; readonly was: Leader; readonly term: number }
  | {
      readonly kind: 'alarm';
      readonly alarm: string;
      readonly member: string;
      readonly on: boolean;
    }
  | { readonly kind: 'unknown'; readonly member: Member; readonly why: string }
  | { readonly kind: 'known'; readonly member: Member };

export interface ClusterOptions {
  /** Those there are at this moment. */
  readonly members: () => readonly Member[];
  /** Does it pass its checks? */
  readonly isHealthy: (member: Member) => boolean;
  /** Entries a member may be behind the leader; 0 for any number. */
  readonly maxLag: number;
  /** Told how each member stands, after every inspection: may it serve, and does it lead? */
  readonly onStanding: (member: Member, unfit: Ineligibility | undefined, leads: boolean) => void;
  readonly onChange: (change: ClusterChange) => void;
}

export class Cluster {
  readonly #options: ClusterOptions;
  readonly #facts = new Map<Member, MemberStatus>();
  readonly #unknown = new Map<Member, string>();
  #leader: Leader | undefined;
  #lastLeaderId: string | undefined;
  #leaderSince: number | undefined;
  #leaderlessSince: number | undefined;
  #leaderChanges = 0;
  #alarms: ReadonlyMap<string, NamedAlarm> = new Map();

  constructor(options: ClusterOptions) {
    this.#options = options;
  }

  /** The picture at this moment. */
  get view(): ClusterView {
    const { members, isHealthy } = this.#options;
    return viewOf(
      members().map((member) => ({
        name: member.name,
        healthy: isHealthy(member),
        facts: this.#facts.get(member),
        answers: !this.#unknown.has(member),
      })),
    );
  }

  /**
   * The members of the cluster as one lists them that is healthy, and so has passed a linearizable read
   * within the last moment: what it had applied by then a quorum has agreed on. (MemberList itself asks
   * no quorum before 3.5, and etcd3 cannot ask for it.) Of several lists that of who has applied most.
   * Empty when nobody can tell.
   */
  get list(): readonly ListedMember[] {
    const { members, isHealthy } = this.#options;
    const { clusterId } = this.view;
    const trusted = members().flatMap((member) => {
      const facts = this.#facts.get(member);
      const isTrusted = isHealthy(member) && !this.#unknown.has(member);
      return isTrusted && facts?.clusterId === clusterId && !facts?.isLearner ? (facts ?? []) : [];
    });
    return newestList(trusted);
  }

  /** Forgets a member that has left. */
  forget(member: Member): void {
    this.#facts.delete(member);
    this.#unknown.delete(member);
  }

  /** What it last said of itself; kept while it says nothing more. */
  statusOf(member: Member): MemberStatus | undefined {
    return this.#facts.get(member);
  }

  /** Why it says nothing at this moment; `undefined` when it does, or was not asked yet. */
  whyUnknown(member: Member): string | undefined {
    return this.#unknown.get(member);
  }

  /** Since when the present leader is known to lead, ms since the epoch. */
  get leaderSince(): number | undefined {
    return this.#leader && this.#leaderSince;
  }

  /** How often another member than before was found to lead. */
  get leaderChanges(): number {
    return this.#leaderChanges;
  }

  /** Is a leader known, or nothing at all, so that there is nothing to wait for? */
  get isSettled(): boolean {
    return this.#leader !== undefined || this.#facts.size === 0;
  }

  /** Takes in the answer of a member, or that it gave none, at `now` (ms since the epoch). */
  observe(member: Member, inspection: PollResult, now: number): void {
    const { onChange } = this.#options;
    if (inspection.kind === 'unknown') {
      const isNews = !this.#unknown.has(member);
      this.#unknown.set(member, inspection.why);
      if (isNews) onChange({ kind: 'unknown', member, why: inspection.why });
    } else {
      this.#facts.set(member, inspection.facts);
      if (this.#unknown.delete(member)) onChange({ kind: 'known', member });
    }
    const { view } = this;
    this.#followLeader(view, now);
    this.#followAlarms(view);
    this.#judge(view);
  }

  #followLeader({ leader, term }: ClusterView, now: number): void {
    const was = this.#leader;
    if (leader === undefined) {
      if (was === undefined) return;
      this.#leader = undefined;
      this.#leaderlessSince = now;
      this.#options.onChange({ kind: 'no-leader', was, term });
      return;
    }
    if (leader.memberId === was?.memberId) return;
    const first = this.#leaderSince === undefined;
    const without = this.#leaderlessSince === undefined ? undefined : now - this.#leaderlessSince;
    this.#leader = leader;
    this.#leaderSince = now;
    this.#leaderlessSince = undefined;
    if (!first && leader.memberId !== this.#lastLeaderId) this.#leaderChanges += 1;
    this.#lastLeaderId = leader.memberId;
    this.#options.onChange({ kind: 'leader', leader, term, without, first });
  }

  #followAlarms({ alarms }: ClusterView): void {
    const before = this.#alarms;
    this.#alarms = new Map(alarms.map((alarm) => [`${alarm.kind} ${alarm.memberId}`, alarm]));
    const tell = ({ kind, member }: NamedAlarm, on: boolean): void =>
      this.#options.onChange({ kind: 'alarm', alarm: kind, member, on });
    for (const [key, alarm] of this.#alarms) if (!before.has(key)) tell(alarm, true);
    for (const [key, alarm] of before) if (!this.#alarms.has(key)) tell(alarm, false);
  }

  #judge({ clusterId, leader }: ClusterView): void {
    const { maxLag, onStanding } = this.#options;
    const all = [...this.#facts];
    const [, leading] = all.find(([, { memberId }]) => memberId === leader?.memberId) ?? [];
    for (const [member, facts] of all) {
      const unfit = ineligibilityOf(facts, clusterId, leading, maxLag);
      onStanding(member, unfit, facts === leading);
    }
  }
}
