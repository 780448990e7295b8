/**
 * Silence: members that were asked something and say nothing to anybody. It is a sign, not a proof:
 * when a member is named here, it and the others should be checked at once.
 *
 *   sweep, a few times a second ──► sessions in which bytes ──► when each member last spoke,
 *                                   have come since             and who waits for it since when
 *
 * A silent session costs a sweep nothing, so that ten thousand of them cost as much as ten. Owns the
 * sweep and those who wait. Leaves the guess about one session to activity.ts, and what
 * follows from a silence to the control flow.
 */
import type { Member } from '../members/member.ts';
import { look } from '../proxy/sessions/activity.ts';
import type { Session, Sessions } from '../proxy/sessions/sessions.ts';

/** What the sweeps saw of one member. Times are ms of `performance.now()`. */
interface Voice {
  spokeAt: number;
  /** Sessions that wait for an answer, in the order in which they began to. */
  readonly waiting: Set<Session>;
  /** When it was last named a suspect. */
  namedAt: number;
}

export class PassiveHealthChecks {
  readonly #sessions: Pick<Sessions, 'openOn' | 'takeNews'>;
  readonly #bound: () => number;
  readonly #voices = new Map<Member, Voice>();

  /** @param bound how long a member may be silent, ms. */
  constructor(
    sessions: Pick<Sessions, 'openOn' | 'takeNews'>,
    members: readonly Member[],
    bound: () => number,
    now: number,
  ) {
    this.#sessions = sessions;
    this.#bound = bound;
    for (const member of members) this.join(member, now);
  }

  /** Begins to listen to a member. */
  join(member: Member, now: number): void {
    this.#voices.set(member, { spokeAt: now, waiting: new Set(), namedAt: now });
  }

  /** Forgets a member that has left. */
  leave(member: Member): void {
    this.#voices.delete(member);
  }

  /**
   * Looks at the sessions in which something was said since the last sweep.
   *
   * @param starved this process did not run for a while: every silence is counted from now.
   * @returns whether anybody, client or member, has said anything.
   */
  sweep(now: number, starved: boolean): boolean {
    if (starved) for (const voice of this.#voices.values()) voice.spokeAt = now;
    const news = this.#sessions.takeNews();
    for (const session of news) {
      const { member, activity, bytes } = session;
      const { waitingSince } = activity;
      // Of all sessions, whoever their member is: one that has left has sessions that are still to end.
      const hasAnswered = look(activity, bytes, now);
      const voice = this.#voices.get(member);
      if (voice === undefined) continue;
      if (hasAnswered) voice.spokeAt = now;
      const goesOn = activity.waitingSince === waitingSince;
      if (goesOn && waitingSince !== undefined) continue;
      voice.waiting.delete(session);
      const isOpen = this.#sessions.openOn(member).has(session);
      if (activity.waitingSince !== undefined && isOpen) voice.waiting.add(session);
    }
    return news.length > 0;
  }

  /** A session has ended: nobody waits in it any more. */
  forget(session: Session): void {
    this.#voices.get(session.member)?.waiting.delete(session);
  }

  /** The members that have become silent; each is named once for each question it leaves open. */
  suspects(now: number): Member[] {
    const named: Member[] = [];
    for (const [member, voice] of this.#voices) {
      if (!this.isSilent(member, now, this.#bound())) continue;
      if (!asksSince(voice.waiting, voice.namedAt)) continue;
      voice.namedAt = now;
      named.push(member);
    }
    return named;
  }

  /**
   * Has a question been open for `bound` ms, at the last sweep, without a word from this member to
   * anybody?
   */
  isSilent(member: Member, now: number, bound: number): boolean {
    const voice = this.#voices.get(member);
    const [first] = voice?.waiting ?? [];
    const since = first?.activity.waitingSince;
    if (voice === undefined || since === undefined) return false;
    return now - since >= bound && now - voice.spokeAt >= bound;
  }
}

/** Has one of these asked something after `time`? */
function asksSince(waiting: ReadonlySet<Session>, time: number): boolean {
  for (const { activity } of waiting) if (activity.askedAt > time) return true;
  return false;
}
