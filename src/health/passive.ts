/**
 * Passive health checks find unresponsive members: clients wait for an answer, and the member answers nobody. That
 * is a sign, not a proof: the member and all others should be probed at once.
 *
 *   activity of sessions in which bytes have come ──► when each member last answered, and who waits since when
 *
 * An idle session costs nothing, so ten thousand of them cost as much as ten. Owns the list of waiting sessions.
 * activity.ts judges a single session; the caller decides what follows.
 */
import type { LiveSettings } from '../config/live-settings.ts';
import type { Settings } from '../config/settings.ts';
import type { Member } from '../members/member.ts';
import type { Session } from '../proxy/sessions/session.ts';

/** The observations of one member. Times are ms of `performance.now()`. */
interface Watch {
  answeredAt: number;
  /** Sessions that wait for an answer, and since when; the longest wait comes first. */
  readonly waiting: Map<Session, number>;
  /** When it was last returned as a suspect. */
  namedAt: number;
}

export class PassiveHealthChecks {
  readonly #members: () => readonly Member[];
  readonly #settings: LiveSettings<Pick<Settings, 'suspectAfter'>>;
  readonly #watches = new WeakMap<Member, Watch>();

  /** @param members returns the current members. */
  constructor(
    members: () => readonly Member[],
    settings: LiveSettings<Pick<Settings, 'suspectAfter'>>,
  ) {
    this.#members = members;
    this.#settings = settings;
  }

  /**
   * Records the activity of sessions in which bytes have come.
   *
   * @param stalled the event loop has stalled: every wait counts from now.
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

  /** Forgets a session that has ended. */
  forget(session: Session): void {
    this.#watches.get(session.member)?.waiting.delete(session);
  }

  /** The members that have become unresponsive. Each is returned once per open question. */
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

  /** Has a question been open for `bound` ms, as of the last sample, while this member has answered nobody? */
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
