/**
 * Evictions: the sessions of a failed member are closed, those first whose clients wait for an
 * answer. A handful at once; of many a share at a time, so that a thousand clients do not all come
 * back in the same moment.
 *
 * Owns the order and the pace. Who must leave, and when that is over, is decided elsewhere.
 */

import { attempt } from '../../lib/unexpected.ts';
import type { Member } from '../../members/member.ts';
import type { Session, Sessions } from './sessions.ts';

/** Between two lots, ms. */
const beat = 20;
/** Everybody is out after this many lots, which is half a second. */
const lots = 25;
/** A lot is at least this large. */
const smallestLot = 50;

export class Evictions {
  readonly #sessions: Pick<Sessions, 'openOn'>;
  readonly #underWay = new Map<Member, NodeJS.Timeout>();

  constructor(sessions: Pick<Sessions, 'openOn'>) {
    this.#sessions = sessions;
  }

  /**
   * Makes exactly these members the ones whose sessions must leave: begins with those that are new,
   * gives up those that are not named any more. Returns how many sessions each new one has.
   *
   * @param isDisproof does this session show that its member has not failed any more? It stays.
   */
  set(
    members: readonly Member[],
    isDisproof: (session: Session) => boolean = () => false,
  ): ReadonlyMap<Member, number> {
    for (const member of this.#underWay.keys()) {
      if (!members.includes(member)) this.#end(member);
    }
    const begun = new Map<Member, number>();
    for (const member of members) {
      if (this.#underWay.has(member)) continue;
      const open = [...this.#sessions.openOn(member)];
      const leaving = inOrder(open.filter((session) => !isDisproof(session)));
      if (leaving.length === 0) continue;
      begun.set(member, leaving.length);
      this.#closeLots(member, leaving, Math.max(smallestLot, Math.ceil(leaving.length / lots)));
    }
    return begun;
  }

  /** Stops the timers; what has not been closed stays open. */
  stop(): void {
    for (const member of this.#underWay.keys()) this.#end(member);
  }

  #closeLots(member: Member, leaving: readonly Session[], lot: number): void {
    for (const session of leaving.slice(0, lot)) attempt(() => session.close('evicted'));
    const rest = leaving.slice(lot);
    this.#end(member);
    if (rest.length === 0) return;
    // A little unevenly, so that many balancers do not keep step.
    const wait = beat * (0.5 + Math.random());
    this.#underWay.set(
      member,
      setTimeout(() => this.#closeLots(member, rest, lot), wait),
    );
  }

  #end(member: Member): void {
    clearTimeout(this.#underWay.get(member));
    this.#underWay.delete(member);
  }
}

/** Who waits longest goes first; who waits for nothing goes last. */
function inOrder(sessions: Iterable<Session>): Session[] {
  const since = ({ activity }: Session): number => activity.waitingSince ?? Number.MAX_VALUE;
  const leaving = [...sessions].filter((session) => !session.closing);
  return leaving.sort((a, b) => since(a) - since(b));
}
