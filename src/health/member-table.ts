/**
 * The member table: the state of every member's health, and the snapshot published from all of them.
 *
 *   probes ──┐
 *            ├─ observe() ──► health of that member ──► routing of all ──► snapshot ──► data path
 *   dials ───┘                        │            ▲
 *   status ─ setEligibility() ─────────┼────────────┘
 *                                     └──► onChange: events, evictions
 *
 * Writes what a member's checks have shown, and whether it may serve; nobody else does. The rules are in
 * health.ts, damping.ts, check-times.ts and routing.ts, all pure.
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

/** What one observation changed, or what was said of a member's eligibility, or a member that came or went. */
export interface TableChange {
  /** A member is in another state. */
  readonly member?: {
    readonly member: Member;
    readonly from: Health;
    readonly to: Health;
    /** How long it has to pass its checks before it is restored, ms; 0 for `rise` checks. */
    readonly hold: number;
  };
  /** A member has become ineligible, or eligible again. */
  readonly eligibility?: {
    readonly member: Member;
    readonly ineligibility: Ineligibility | undefined;
  };
  readonly mode?: { readonly from: RoutingMode; readonly to: RoutingMode };
  /** All members whose sessions must leave now, also those named in an earlier change. */
  readonly evict: readonly Member[];
  /** Members that fail, and for which another was just seen to pass for the first time since. */
  readonly corroborated: readonly Member[];
}

/** The settings that say how many checks it takes, and how they follow each other. */
type TableSettings = Pick<
  Settings,
  'checkRise' | 'checkFall' | 'checkInterval' | 'checkFastInterval'
>;

/** A second pass comes one fast check after the first, which may be a little early. */
const momentShare = 0.9;

export class MemberTable {
  readonly #settings: LiveSettings<TableSettings>;
  readonly #onChange: (change: TableChange) => void;
  #members: readonly Member[] = [];
  #routing: Routing<Member>;

  /**
   * @param members the members at the start, in the configured order.
   * @param onChange called after the snapshot was replaced, in the same tick as the observation.
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

  /** Where connections may go at this moment. */
  get snapshot(): Snapshot {
    return this.#routing;
  }

  get mode(): RoutingMode {
    return this.#routing.mode;
  }

  /** In the order in which they came. */
  get members(): readonly Member[] {
    return this.#members;
  }

  /** Takes in a member that nothing is known of yet. When it leaves nothing goes there any more. */
  add(member: Member): void {
    this.#enter(member);
    this.#publish({}, true);
  }

  has(member: Member): boolean {
    return this.#members.includes(member);
  }

  /** Takes in whether a member may serve at all. The same reason again changes nothing. */
  setEligibility(member: Member, ineligibility: Ineligibility | undefined): void {
    this.#expect(member);
    const isChanged = member.ineligibility?.reason !== ineligibility?.reason;
    member.ineligibility = ineligibility;
    if (isChanged) this.#publish({ eligibility: { member, ineligibility } });
  }

  /** Takes in that an operator wants a member drained, or not any more. */
  drain(member: Member, isDrained: boolean): void {
    this.#expect(member);
    if (member.isDrained === isDrained) return;
    member.isDrained = isDrained;
    this.#publish({}, true);
  }

  /** Takes in that the members' classes have changed. */
  refresh(): void {
    this.#publish({}, true);
  }

  /**
   * Is somebody in doubt, or marked failed without being corroborated? Until that is decided it matters how
   * the others are.
   */
  get isUndecided(): boolean {
    return this.#members.some(
      (member) =>
        member.health.state === 'suspect' ||
        (member.health.state === 'failed' && !this.snapshot.evicted.has(member)),
    );
  }

  /** Takes in what was seen of a member, at `now` (ms since the epoch). */
  observe(member: Member, observation: Observation, now: number): void {
    this.#expect(member);
    const { health: from, damping } = member;
    const { checkRise: rise, checkFall: fall, checkInterval } = this.#settings.current;
    // Nobody is made to wait while nobody is healthy, nor for having failed when all did.
    const hold = this.mode === 'normal' ? currentHold(damping) : 0;
    const to = nextHealth(from, observation, { rise, fall, hold }, now);
    const before = this.#corroborated();
    member.health = to;
    member.damping = nextDamping(damping, from, to, now);
    // As long as the last pass of whoever serves can be ago.
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

  /** @param isForced the table has other members than before, or other wishes for them. */
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
