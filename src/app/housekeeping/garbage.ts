/**
 * Collects garbage in quiet moments, and after thousands of sessions have ended also in busy ones. Relaying
 * allocates so little that V8 hardly ever collects, so what these sessions leave behind would stay
 * resident for hours.
 *
 * The young generation comes first, which costs next to nothing. A full collection follows only if that was not
 * enough: V8 then drops what it has learnt about dead objects and starts again with a small heap, and the next
 * thousands of connections cost a third more (test/bench/JOURNAL.md).
 */
import { type Heap, heapOfV8 } from '../../lib/heap.ts';

/** How much the heap must have grown, bytes: some thousands of sessions. */
const worthwhile = 32_000_000;
/** Or by how much the number of open sessions must have changed since the last collection. */
const manySessions = 2_000;
/** No session may have begun or ended for this long, ms: reconnecting clients must not wait for a collection. */
const calmTime = 1_500;
/** After this long, ms, the garbage of thousands of sessions is collected although other sessions are active. */
const longCalmTime = 5_000;

export class Garbage {
  readonly #heap: Heap;
  /** The state after the last collection. At first there is garbage of the start. */
  #last = { bytes: Number.NEGATIVE_INFINITY, open: 0, turnover: 0 };
  #turnover = 0;
  #changedAt = 0;

  constructor(heap = heapOfV8()) {
    this.#heap = heap;
  }

  /**
   * To be called regularly.
   *
   * @param open sessions.
   * @param turnover sessions opened and ended since the start.
   * @param quiet are all sessions idle, so that none notices a stop?
   * @param now ms of `performance.now()`.
   */
  tick(open: number, turnover: number, quiet: boolean, now: number): void {
    if (turnover !== this.#turnover) this.#changedAt = now;
    this.#turnover = turnover;
    const haveGone = turnover - this.#last.turnover >= 2 * manySessions;
    const mayStop = quiet || (haveGone && now - this.#changedAt >= longCalmTime);
    if (!mayStop || now - this.#changedAt < calmTime) return;
    const haveMoved = Math.abs(open - this.#last.open) >= manySessions;
    if (!haveMoved && !this.#hasGrown()) return;
    this.#heap.collect('young');
    if (haveMoved || this.#hasGrown()) this.#heap.collect('all');
    this.#last = { bytes: this.#heap.used(), open, turnover };
  }

  #hasGrown(): boolean {
    return this.#heap.used() - this.#last.bytes >= worthwhile;
  }
}
