/**
 * The member table: every member's verdict, and the snapshot published from them.
 *
 *   probes ──┐
 *            ├─ observe() ──► verdict of that member ──► routing of all ──► snapshot ──► data path
 *   dials ───┘                        │            ▲
 *   facts ───── judge() ──────────────┼────────────┘
 *                                     └──► onChange: events, evictions
 *
 * Owns the current state, nothing else: the rules are in verdict.ts and routing.ts, both pure.
 */

import type { Snapshot } from '../balancing/snapshot.ts';
import type { Ineligibility } from '../etcd/eligibility.ts';
import type { Member } from '../members/member.ts';
import { afterFailure, type Damping, holdTime, undamped } from './damping.ts';
import {
  acceptsNew,
  type Health,
  type HealthRules,
  nextHealth,
  type Observation,
  unknownHealth,
} from './health.ts';
import { mayServe, type RoutedMember, type RoutingMode, route } from './routing.ts';

/** A member, the current verdict on it, and what its past adds to its next recovery. */
export interface MemberEntry extends RoutedMember {
  readonly member: Member;
  readonly drained: boolean;
  readonly unresponsive: boolean;
  /** Of failures that are over. */
  readonly damping: Damping;
  /**
   * When it was lost, while it is not back; ms since the epoch. Forgotten when all fail together,
   * since an election is no fault of a member.
   */
  readonly lostAt: number | undefined;
}

/** The counts are the operator's; the hold follows from each member's past. */
export interface TableRules extends Omit<HealthRules, 'hold'> {
  /** See `route`, ms. */
  readonly moment: number;
}

/** What one observation or judgement changed, or a member that came or went. */
export interface TableChange {
  /** A member is in another state. */
  readonly member?: {
    readonly member: Member;
    readonly from: Health;
    readonly to: Health;
    /** How long it has to pass its checks before it is restored, ms; 0 for `rise` checks. */
    readonly hold: number;
  };
  /** A member has become unfit, or fit again. */
  readonly fitness?: { readonly member: Member; readonly unfit: Ineligibility | undefined };
  readonly mode?: { readonly from: RoutingMode; readonly to: RoutingMode };
  /** All members whose sessions must leave now, also those named in an earlier change. */
  readonly evict: readonly Member[];
  /** Members that fail, and for which another was just seen to pass for the first time since. */
  readonly witnessed: readonly Member[];
}

export class MemberTable {
  readonly #rules: TableRules;
  readonly #onChange: (change: TableChange) => void;
  #entries: readonly MemberEntry[];
  #mode: RoutingMode;
  #snapshot: Snapshot;

  /**
   * @param members the members at the start, in the configured order.
   * @param now ms since the epoch.
   * @param onChange called after the snapshot was replaced, in the same tick as the observation.
   */
  constructor(
    members: readonly Member[],
    rules: TableRules,
    now: number,
    onChange: (change: TableChange) => void,
  ) {
    this.#rules = rules;
    this.#onChange = onChange;
    this.#entries = members.map((member) => newEntry(member, now));
    const { mode, snapshot } = derive(this.#entries, rules.moment);
    this.#mode = mode;
    this.#snapshot = snapshot;
  }

  /** Where connections may go at this moment. */
  get snapshot(): Snapshot {
    return this.#snapshot;
  }

  get mode(): RoutingMode {
    return this.#mode;
  }

  get entries(): readonly MemberEntry[] {
    return this.#entries;
  }

  /** Takes in a member that nothing is known of yet, at `now` (ms since the epoch). */
  add(member: Member, now: number): void {
    this.#entries = [...this.#entries, newEntry(member, now)];
    this.#publish({ witnessed: [] }, true);
  }

  /** Forgets a member: nothing goes there any more. */
  remove(member: Member): void {
    this.#entries = this.#entries.filter((entry) => entry.member !== member);
    this.#publish({ witnessed: [] }, true);
  }

  has(member: Member): boolean {
    return this.#entries.some((entry) => entry.member === member);
  }

  /** The verdict on one member of the table. Throws for a member that is not in it. */
  health(member: Member): Health {
    return this.#entry(member).health;
  }

  /** All that is known of it, likewise. */
  entry(member: Member): MemberEntry {
    return this.#entry(member);
  }

  /** Takes in whether a member may serve at all. The same reason again changes nothing. */
  judge(member: Member, unfit: Ineligibility | undefined): void {
    const entry = this.#entry(member);
    const isNews = entry.unfit?.reason !== unfit?.reason;
    this.#entries = this.#entries.map((each) => (each === entry ? { ...each, unfit } : each));
    if (isNews) this.#publish({ fitness: { member, unfit }, witnessed: [] });
  }

  /** Takes in that an operator wants a member drained, or not any more. */
  drain(member: Member, drained: boolean): void {
    const entry = this.#entry(member);
    if (entry.drained === drained) return;
    this.#entries = this.#entries.map((each) => (each === entry ? { ...each, drained } : each));
    this.#publish({ witnessed: [] }, true);
  }

  /** Takes in that the members' classes have changed. */
  refresh(): void {
    this.#publish({ witnessed: [] }, true);
  }

  /**
   * Is somebody in doubt, or convicted without a witness? Until that is decided it matters how the
   * others are.
   */
  get undecided(): boolean {
    return this.#entries.some(
      ({ member, health }) =>
        health.state === 'suspect' ||
        (health.state === 'failed' && !this.#snapshot.evicted.has(member)),
    );
  }

  /** Takes in what was seen of a member, at `now` (ms since the epoch). */
  observe(member: Member, observation: Observation, now: number): void {
    const entry = this.#entry(member);
    const { health: from, lostAt } = entry;
    const damping = lostAt === undefined ? entry.damping : afterFailure(entry.damping, lostAt);
    // Nobody is made to wait while nobody is healthy, nor for having failed when all did.
    const hold = this.#mode === 'normal' && lostAt !== undefined ? holdTime(damping) : 0;
    const to = nextHealth(from, observation, { ...this.#rules, hold }, now);
    const passed = observation.kind === 'check-passed';
    const answered = passed || observation.kind === 'answered' || saysNo(observation);
    const lost = acceptsNew(from) && !acceptsNew(to);
    const witnessedAt = passed ? undefined : (entry.witnessedAt ?? this.#witnessOf(member, to));
    const after: MemberEntry = {
      ...entry,
      health: to,
      damping: acceptsNew(to) ? damping : entry.damping,
      lostAt: acceptsNew(to) ? undefined : lost ? now : lostAt,
      passedAt: passed ? now : entry.passedAt,
      witnessedAt,
      unresponsive: observation.kind === 'unresponsive' || (entry.unresponsive && !answered),
      answeredAt: answered ? now : entry.answeredAt,
      answersSince: answered
        ? (entry.answersSince ?? now)
        : wentUnanswered(entry, observation)
          ? undefined
          : entry.answersSince,
    };
    const witnessed: Member[] = [];
    this.#entries = this.#entries.map((each) => {
      if (each.member === member) return after;
      if (!passed || !lacksWitness(each)) return each;
      witnessed.push(each.member);
      return { ...each, witnessedAt: now };
    });
    const change = to.state === from.state ? {} : { member: { member, from, to, hold } };
    this.#publish({ ...change, witnessed });
  }

  /** The first of the others' last passed checks that is not older than this one's failure. */
  #witnessOf(member: Member, health: Health): number | undefined {
    if (health.state !== 'suspect' && health.state !== 'failed') return undefined;
    const passes = this.#entries.flatMap(({ member: other, passedAt }) =>
      other !== member && passedAt !== undefined && passedAt >= health.evidence.since
        ? [passedAt]
        : [],
    );
    return passes.length === 0 ? undefined : Math.min(...passes);
  }

  /** @param isOther the table has other members than before, or other wishes for them. */
  #publish(change: Pick<TableChange, 'member' | 'fitness' | 'witnessed'>, isOther = false): void {
    const past = { mode: this.#mode, evicted: this.#snapshot.evicted };
    const { mode, snapshot } = derive(this.#entries, this.#rules.moment);
    const evictsOthers = past.evicted.symmetricDifference(snapshot.evicted).size > 0;
    const isOwn = isOther || change.member !== undefined || change.fitness !== undefined;
    if (!isOwn && !evictsOthers && change.witnessed.length === 0) return;
    this.#mode = mode;
    this.#snapshot = snapshot;
    if (mode === 'panic') {
      this.#entries = this.#entries.map((each) => ({ ...each, lostAt: undefined }));
    }
    this.#onChange({
      ...change,
      ...(mode === past.mode ? {} : { mode: { from: past.mode, to: mode } }),
      evict: [...snapshot.evicted],
    });
  }

  #entry(member: Member): MemberEntry {
    const entry = this.#entries.find((each) => each.member === member);
    if (entry === undefined) throw new Error(`${member.name} is not in the member table`);
    return entry;
  }
}

function newEntry(member: Member, now: number): MemberEntry {
  return {
    member,
    health: unknownHealth(now),
    unfit: undefined,
    drained: false,
    unresponsive: false,
    damping: undamped,
    lostAt: undefined,
    passedAt: undefined,
    witnessedAt: undefined,
    answeredAt: undefined,
    answersSince: undefined,
  };
}

/** A check has failed without any answer in its time. */
function wentUnanswered({ answeredAt }: MemberEntry, observation: Observation): boolean {
  return (
    observation.kind === 'check-failed' &&
    (answeredAt === undefined || answeredAt < observation.startedAt)
  );
}

/** A check failed because the member answered that it is not well. */
function saysNo(observation: Observation): boolean {
  return observation.kind === 'check-failed' && observation.failure.reason === 'unhealthy';
}

/** It fails, and nobody was seen to pass since. */
function lacksWitness({ health, witnessedAt }: MemberEntry): boolean {
  return witnessedAt === undefined && (health.state === 'suspect' || health.state === 'failed');
}

function derive(
  entries: readonly MemberEntry[],
  moment: number,
): { mode: RoutingMode; snapshot: Snapshot } {
  const routing = route(entries, moment);
  const members = entries.map((entry) => entry.member);
  const routable = members.filter((_, index) => routing.routable[index]);
  // While nobody serves, whoever may be there is tried, of whatever class.
  const first = Math.min(...routable.map(({ priority = 0 }) => priority));
  return {
    mode: routing.mode,
    snapshot: {
      routable:
        routing.mode === 'normal'
          ? routable.filter(({ priority = 0 }) => priority === first)
          : routable,
      all: entries.filter(mayServe).map((entry) => entry.member),
      evicted: new Set(members.filter((_, index) => routing.evict[index])),
    },
  };
}
