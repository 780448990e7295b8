/**
 * Silence: members that were asked something and say nothing to anybody. It is a sign, not a proof:
 * when a member is named here, it and the others should be checked at once.
 *
 *   sweep, a few times a second ──► every session's activity ──► when each member last spoke,
 *                                                                and who waits for it since when
 *
 * Owns the walk over all sessions. Leaves the guess about one session to activity.ts, and what
 * follows from a silence to the control flow.
 */
import type { Candidate } from '../balance/snapshot.ts';
import { look } from './activity.ts';
import type { Sessions } from './sessions.ts';

/** What the sweeps saw of one member. Times are ms of `performance.now()`. */
interface Voice {
  spokeAt: number;
  /** The longest that a session waits for an answer now. */
  waitingSince: number | undefined;
  /** The newest question of a session that waits. */
  askedAt: number;
  /** When it was last named a suspect. */
  namedAt: number;
}

export class Silence {
  readonly #sessions: Pick<Sessions, 'openOn'>;
  readonly #bound: number;
  readonly #voices: ReadonlyMap<Candidate, Voice>;

  /** @param bound how long a member may be silent, ms. */
  constructor(
    sessions: Pick<Sessions, 'openOn'>,
    members: readonly Candidate[],
    bound: number,
    now: number,
  ) {
    this.#sessions = sessions;
    this.#bound = bound;
    this.#voices = new Map(
      members.map((member) => [
        member,
        { spokeAt: now, waitingSince: undefined, askedAt: now, namedAt: now },
      ]),
    );
  }

  /**
   * Looks at every session, in well under a millisecond for a thousand.
   *
   * @param starved this process did not run for a while: every silence is counted from now.
   * @returns whether anybody, client or member, has said anything since the last sweep.
   */
  sweep(now: number, starved: boolean): boolean {
    let active = false;
    for (const [candidate, voice] of this.#voices) {
      voice.waitingSince = undefined;
      if (starved) voice.spokeAt = now;
      for (const { activity, bytes } of this.#sessions.openOn(candidate)) {
        if (look(activity, bytes, now)) voice.spokeAt = now;
        if (activity.changedAt === now) active = true;
        if (activity.waitingSince === undefined) continue;
        voice.waitingSince = Math.min(voice.waitingSince ?? now, activity.waitingSince);
        voice.askedAt = Math.max(voice.askedAt, activity.askedAt);
      }
    }
    return active;
  }

  /** The members that have become silent; each is named once for each question it leaves open. */
  suspects(now: number): Candidate[] {
    const named: Candidate[] = [];
    for (const [candidate, voice] of this.#voices) {
      if (voice.askedAt <= voice.namedAt || !this.isSilent(candidate, now, this.#bound)) continue;
      voice.namedAt = now;
      named.push(candidate);
    }
    return named;
  }

  /**
   * Has a question been open for `bound` ms, at the last sweep, without a word from this member to
   * anybody?
   */
  isSilent(candidate: Candidate, now: number, bound: number): boolean {
    const voice = this.#voices.get(candidate);
    const since = voice?.waitingSince;
    if (voice === undefined || since === undefined) return false;
    return now - since >= bound && now - voice.spokeAt >= bound;
  }
}
