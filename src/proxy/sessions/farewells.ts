/**
 * Farewells: sessions whose clients were asked to take their next calls elsewhere. Nothing is cut:
 *
 *   GOAWAY and PING ──► the client has understood ──► no call in flight ──► the connection is ended
 *
 * Only where the bytes are plain HTTP/2 and followed (calls.ts). Tried with etcd's Go client, 20 of them
 * with a watch each, one session moved every 100 ms: none of 23,866 puts failed and no event was lost;
 * cutting the same sessions failed 66 and reordered two.
 *
 * Owns the order and the pace. Who has to leave, and by when at the latest, is decided elsewhere
 * (departures.ts); for opaque sessions see idle-gap.ts.
 */
import { attempt } from '../../lib/unexpected.ts';
import { isQuiet } from './activity.ts';
import type { CloseReason, Session, Sessions } from './sessions.ts';

/** Between two looks at those who leave, ms. */
const beat = 20;
/** Everybody has been asked after this many looks, which is half a second. */
const lots = 25;
/** A lot is at least this large. */
const smallestLot = 50;
/** A client that has not understood by then, ms, never will; it may go when it is quiet. */
const patience = 5_000;
/** For the client to end its side of the connection, ms. */
const closingTime = 1_000;

interface Leaving {
  readonly reason: CloseReason;
  readonly begunAt: number;
  finishedAt?: number;
}

export class Farewells {
  readonly #sessions: Pick<Sessions, 'openOn'>;
  readonly #leaving = new Map<Session, Leaving>();
  readonly #unasked = new Set<Session>();
  #timer: NodeJS.Timeout | undefined;

  constructor(sessions: Pick<Sessions, 'openOn'>) {
    this.#sessions = sessions;
  }

  /**
   * Lets a session leave, however long its calls take. Returns false where that cannot be done without
   * cutting what is in flight, or it leaves already.
   */
  begin(session: Session, reason: CloseReason): boolean {
    if (session.calls?.state !== 'followed' || session.closing) return false;
    if (this.#leaving.has(session)) return false;
    this.#leaving.set(session, { reason, begunAt: performance.now() });
    this.#unasked.add(session);
    this.#timer ??= setTimeout(() => this.#beat(), 0);
    return true;
  }

  /** Was it asked to leave? */
  has(session: Session): boolean {
    return this.#leaving.has(session);
  }

  /** Stops the timer; what is open stays so. */
  stop(): void {
    clearTimeout(this.#timer);
    this.#leaving.clear();
    this.#unasked.clear();
  }

  #beat(): void {
    const lot = Math.max(smallestLot, Math.ceil(this.#leaving.size / lots));
    let asked = 0;
    for (const session of this.#unasked) {
      if (asked === lot) break;
      asked += 1;
      this.#unasked.delete(session);
      attempt(() => session.bid(this.#leaving.get(session)?.reason ?? 'shutdown'));
    }
    const now = performance.now();
    for (const [session, leaving] of this.#leaving) {
      if (this.#isOver(session)) this.#forget(session);
      else attempt(() => this.#see(session, leaving, now));
    }
    this.#timer = this.#leaving.size > 0 ? setTimeout(() => this.#beat(), beat) : undefined;
  }

  #see(session: Session, leaving: Leaving, now: number): void {
    const { reason, finishedAt } = leaving;
    if (finishedAt !== undefined) {
      // Nothing is in flight: the client only has not ended its side.
      if (now - finishedAt >= closingTime) session.close(reason);
    } else if (mayEnd(session, leaving, now) && !session.catchUp()) {
      leaving.finishedAt = now;
      session.finish(reason);
    }
  }

  #isOver(session: Session): boolean {
    return !this.#sessions.openOn(session.member).has(session);
  }

  #forget(session: Session): void {
    this.#leaving.delete(session);
    this.#unasked.delete(session);
  }
}

function mayEnd({ calls, activity, bytes }: Session, { begunAt }: Leaving, now: number): boolean {
  if (calls?.farewell === 'heard') return !calls.isBusy;
  // Not HTTP/2 any more, or a client that acknowledges nothing: as a session whose bytes are opaque.
  const isHopeless = calls?.state !== 'followed' || now - begunAt >= patience;
  return isHopeless && calls?.isBusy !== true && isQuiet(activity, bytes, now);
}
