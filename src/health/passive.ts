/**
 * Passive health checks: members that were asked something and answer nobody. It is a sign, not a proof: when a
 * member is named here, it and the others should be checked at once.
 *
 *   activity of sessions in which bytes have come ──► when each member last answered, and who waits since when
 *
 * A silent session costs nothing, so that ten thousand of them cost as much as ten. Owns who waits. Leaves the
 * guess about one session to activity.ts, and what follows to the control flow.
 */
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
  readonly #bound: () => number;
  readonly #watches = new Map<Member, Watch>();

  /** @param bound how long a member may leave everybody without an answer, ms. */
  constructor(members: readonly Member[], bound: () => number, now: number) {
    this.#bound = bound;
    for (const member of members) this.join(member, now);
  }

  /** Begins to watch a member. */
  join(member: Member, now: number): void {
    this.#watches.set(member, { answeredAt: now, waiting: new Map(), namedAt: now });
  }

  /** Forgets a member that has left. */
  leave(member: Member): void {
    this.#watches.delete(member);
  }

  /**
   * Takes in the activity of sessions in which bytes have come.
   *
   * @param stalled this process did not run for a while: every silence is counted from now.
   */
  observe(sessions: readonly Session[], now: number, stalled: boolean): void {
    if (stalled) for (const watch of this.#watches.values()) watch.answeredAt = now;
    for (const session of sessions) {
      const { member, activity, state } = session;
      const watch = this.#watches.get(member);
      if (watch === undefined) continue;
      const { answeredAt, waitingSince } = activity;
      watch.answeredAt = Math.max(watch.answeredAt, answeredAt);
      if (watch.waiting.get(session) === waitingSince) continue;
      watch.waiting.delete(session);
      if (waitingSince === undefined || state.kind === 'closed') continue;
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
    for (const [member, watch] of this.#watches) {
      if (!this.isSilent(member, now, this.#bound())) continue;
      const { namedAt, waiting } = watch;
      if (!waiting.keys().some(({ activity }) => activity.askedAt > namedAt)) continue;
      watch.namedAt = now;
      named.push(member);
    }
    return named;
  }

  /** Has a question been open for `bound` ms, as of the last sample, while this member answered nobody? */
  isSilent(member: Member, now: number, bound: number): boolean {
    const watch = this.#watches.get(member);
    const [since] = watch?.waiting.values() ?? [];
    if (watch === undefined || since === undefined) return false;
    return now - since >= bound && now - watch.answeredAt >= bound;
  }
}
