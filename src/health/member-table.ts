/**
 * The member table: the health state of every member, and the snapshot derived from all of them.
 *
 *   probes ──┐
 *            ├─ observe() ──► health state of that member ──► routing of all ──► snapshot ──► data path
 *   dials ───┘                        │                            ▲
 *   status ─ setEligibility() ────────┼────────────────────────────┘
 *                                     └──► onChange: events, evictions
 *
 * It alone writes a member's health and eligibility. The rules are in health.ts, damping.ts, check-times.ts
 * and routing.ts, all pure.
 */
import type { Snapshot } from '../balancing/snapshot.ts';
import type { LiveSettings } from '../config/live-settings.ts';
import type { Settings } from '../config/settings.ts';
import type { Ineligibility } from '../etcd/status/eligibility.ts';
import type { Member } from '../members/member.ts';
import { isCorroborated, type Routing, type RoutingMode, route } from './routing.ts';
import { isAnswer, nextCheckTimes } from './state/check-times.ts';
import { currentHold, forgiven, nextDamping } from './state/damping.ts';
import { type Health, nextHealth, type Observation } from './state/health.ts';

/** What changed after an observation, a change of eligibility, or a member that joined or left. */
export interface TableChange {
  /** A member has changed its health state. */
  readonly member?: {
    readonly member: Member;
    readonly from: Health;
    readonly to: Health;
    /** How long it must pass its checks before it is restored, ms; 0 if `rise` checks suffice. */
    readonly hold: number;
  };
  /** A member has become ineligible, or eligible again. */
  readonly eligibility?: {
    readonly member: Member;
    readonly ineligibility: Ineligibility | undefined;
  };
  readonly mode?: { readonly from: RoutingMode; readonly to: RoutingMode };
  /** All members whose sessions must leave now, including those of an earlier change. */
  readonly evict: readonly Member[];
  /** Failing members whose failure another member has just corroborated. */
  readonly corroborated: readonly Member[];
}

/** The settings for the number of checks and the intervals between them. */
type TableSettings = Pick<
  Settings,
  'checkRise' | 'checkFall' | 'checkInterval' | 'checkFastInterval'
>;

/** The second pass comes a fast interval after the first; it may be a little early. */
const momentShare = 0.9;

export class MemberTable {
  readonly #settings: LiveSettings<TableSettings>;
  readonly #onChange: (change: TableChange) => void;
  #members: readonly Member[] = [];
  #routing: Routing<Member>;

  /**
   * @param members the initial members, in the configured order.
   * @param onChange called after the snapshot is replaced, in the same tick as the observation.
   */
  constructor(
    members: readonly Member[],
    settings: LiveSettings<TableSettings>,
    onChange: (change: TableChange) => void,
  ) {
    this.#settings = settings;
    this.#onChange = onChange;
    for (const member of members) this.#enter(member);
    this.#routing = route(this.#members, this.#moment);
  }

  /** Where connections may go now. */
  get snapshot(): Snapshot {
    return this.#routing;
  }

  get mode(): RoutingMode {
    return this.#routing.mode;
  }

  /** In the order in which they joined. */
  get members(): readonly Member[] {
    return this.#members;
  }

  /** Adds a member of unknown health. It is removed when it leaves. */
  add(member: Member): void {
    this.#enter(member);
    this.#publish({}, true);
  }

  has(member: Member): boolean {
    return this.#members.includes(member);
  }

  /** Sets whether a member is eligible. The same reason again changes nothing. */
  setEligibility(member: Member, ineligibility: Ineligibility | undefined): void {
    this.#expect(member);
    const isChanged = member.ineligibility?.reason !== ineligibility?.reason;
    member.ineligibility = ineligibility;
    if (isChanged) this.#publish({ eligibility: { member, ineligibility } });
  }

  /** Sets whether an operator has drained a member. */
  drain(member: Member, isDrained: boolean): void {
    this.#expect(member);
    if (member.isDrained === isDrained) return;
    member.isDrained = isDrained;
    this.#publish({}, true);
  }

  /** Derives the routing anew after the members' priorities have changed. */
  refresh(): void {
    this.#publish({}, true);
  }

  /**
   * Is any member suspect, or failed without corroboration? Until that is decided, all members must be
   * probed fast.
   */
  get isUndecided(): boolean {
    return this.#members.some(
      (member) =>
        member.health.state === 'suspect' ||
        (member.health.state === 'failed' && !this.snapshot.evicted.has(member)),
    );
  }

  /** Applies an observation of a member, made at `now` (ms since the epoch). */
  observe(member: Member, observation: Observation, now: number): void {
    this.#expect(member);
    const { health: from, damping } = member;
    const { checkRise: rise, checkFall: fall, checkInterval } = this.#settings.current;
    // No hold while no member is healthy, and none for a failure of all members.
    const hold = this.mode === 'normal' ? currentHold(damping) : 0;
    const to = nextHealth(from, observation, { rise, fall, hold }, now);
    const before = this.#corroborated();
    member.health = to;
    member.damping = nextDamping(damping, from, to, now);
    // The last pass of a serving member can be this old.
    const kept = checkInterval + this.#moment;
    member.checkTimes = nextCheckTimes(member.checkTimes, observation, kept, now);
    member.isUnresponsive =
      observation.kind === 'unresponsive' || (member.isUnresponsive && !isAnswer(observation));
    const corroborated =
      observation.kind === 'check-passed'
        ? this.#corroborated().filter((each) => !before.includes(each))
        : [];
    const change = to.state === from.state ? {} : { member: { member, from, to, hold } };
    this.#publish({ ...change, corroborated });
  }

  /** See `route`, ms. */
  get #moment(): number {
    return this.#settings.current.checkFastInterval * momentShare;
  }

  #corroborated(): readonly Member[] {
    return this.#members.filter((member) => isCorroborated(member, this.#members));
  }

  #enter(member: Member): void {
    this.#members = [...this.#members, member];
    member.gone.addEventListener('abort', () => this.#remove(member), { once: true });
  }

  #remove(member: Member): void {
    this.#members = this.#members.filter((each) => each !== member);
    this.#publish({}, true);
  }

  /** @param isForced publish even without a change of health or eligibility. */
  #publish(change: Omit<Partial<TableChange>, 'mode' | 'evict'>, isForced = false): void {
    const past = this.#routing;
    const { corroborated = [], ...own } = change;
    const routing = route(this.#members, this.#moment);
    const { mode, evicted } = routing;
    const evictionsChanged = past.evicted.symmetricDifference(evicted).size > 0;
    const isOwnChange = isForced || own.member !== undefined || own.eligibility !== undefined;
    if (!isOwnChange && !evictionsChanged && corroborated.length === 0) return;
    this.#routing = routing;
    if (mode === 'panic') {
      for (const member of this.#members) member.damping = forgiven(member.damping);
    }
    this.#onChange({
      ...own,
      corroborated,
      ...(mode === past.mode ? {} : { mode: { from: past.mode, to: mode } }),
      evict: [...evicted],
    });
  }

  #expect(member: Member): void {
    if (!this.has(member)) throw new Error(`${member.name} is not in the member table`);
  }
}
