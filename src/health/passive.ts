/**
 * Passive health checks: members that were asked something and answer nobody. It is a sign, not a proof: when a
 * member is named here, it and the others should be checked at once.
 *
 *   activity of sessions in which bytes have come ──► when each member last answered, and who waits since when
 *
 * A silent session costs nothing, so that ten thousand of them cost as much as ten. Owns who waits. Leaves the
 * guess about one session to activity.ts, and what follows to the control flow.
 */
import type { LiveSettings } from '../config/live-settings.ts';
import type { Settings } from '../config/settings.ts';
import type { Member } from '../members/member.ts';
import type { Session } from '../proxy/sessions/session.ts';

/** What was seen of one member. Times are ms of `performance.now()`. */
interface Watch {
  answeredAt: number;
  /** Sessions that wait for an answer, in the order in which they began to, and since when. */
  readonly waiting: Map<Session, number>;
  /** When it was last named a suspect. */
  namedAt: number;
}

export class PassiveHealthChecks {
  readonly #members: () => readonly Member[];
  readonly #settings: LiveSettings<Pick<Settings, 'suspectAfter'>>;
  readonly #watches = new WeakMap<Member, Watch>();

  /** @param members those there are. */
  constructor(
    members: () => readonly Member[],
    settings: LiveSettings<Pick<Settings, 'suspectAfter'>>,
  ) {
    this.#members = members;
    this.#settings = settings;
  }

  /**
   * Takes in the activity of sessions in which bytes have come.
   *
   * @param stalled this process did not run for a while: every silence is counted from now.
   */
  observe(sessions: readonly Session[], now: number, stalled: boolean): void {
    if (stalled) for (const member of this.#members()) this.#watch(member, now).answeredAt = now;
    for (const session of sessions) {
      const { answeredAt, waitingSince } = session.activity;
      const watch = this.#watch(session.member, now);
      watch.answeredAt = Math.max(watch.answeredAt, answeredAt);
      if (watch.waiting.get(session) === waitingSince) continue;
      watch.waiting.delete(session);
      if (waitingSince === undefined || session.state.kind === 'closed') continue;
      watch.waiting.set(session, waitingSince);
    }
  }

  /** A session has ended: nobody waits in it any more. */
  forget(session: Session): void {
    this.#watches.get(session.member)?.waiting.delete(session);
  }

  /** The members that have become silent; each is named once for each question it leaves open. */
  suspects(now: number): Member[] {
    const named: Member[] = [];
    for (const member of this.#members()) {
      if (!this.isUnresponsive(member, now, this.#settings.current.suspectAfter)) continue;
      const watch = this.#watch(member, now);
      const { namedAt, waiting } = watch;
      if (!waiting.keys().some(({ activity }) => activity.askedAt > namedAt)) continue;
      watch.namedAt = now;
      named.push(member);
    }
    return named;
  }

  /** Has a question been open for `bound` ms, as of the last sample, while this member answered nobody? */
  isUnresponsive(member: Member, now: number, bound: number): boolean {
    const watch = this.#watches.get(member);
    const [since] = watch?.waiting.values() ?? [];
    if (watch === undefined || since === undefined) return false;
    return now - since >= bound && now - watch.answeredAt >= bound;
  }

  #watch(member: Member, now: number): Watch {
    const known = this.#watches.get(member);
    if (known !== undefined) return known;
    const watch = { answeredAt: now, waiting: new Map(), namedAt: Number.NEGATIVE_INFINITY };
    this.#watches.set(member, watch);
    return watch;
  }
}
