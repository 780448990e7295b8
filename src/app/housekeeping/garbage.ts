/**
 * Collects garbage in quiet moments, and also without one after thousands of sessions have gone. Relaying
 * allocates so little that V8 hardly ever sees a reason to, so what these sessions leave behind would stay
 * resident for hours.
 *
 * First what is young, which costs next to nothing; everything only if that was not enough, since V8
 * then forgets what it knew of objects that are gone, and starts again with a small heap: the next
 * thousands of connections cost a third more (test/bench/JOURNAL.md).
 */
import { getHeapStatistics, setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';

/** What the heap has to have grown by, bytes: some thousands of sessions. */
const worthwhile = 32_000_000;
/** Or so many sessions are open more, or less, than at the last collection. */
const manySessions = 2_000;
/** No session may have come or gone for this long, ms: clients on their way back must not wait for us. */
const rest = 1_500;
/** After this long, ms, what thousands of sessions have left is collected although others speak. */
const longRest = 5_000;

/** V8's heap; replaced in tests. */
export interface Heap {
  /** Bytes in use, garbage included. */
  used(): number;
  /** Stops this process for a few ms, or for some 30 ms where everything is looked at. */
  collect(what: 'young' | 'all'): void;
}

export class Garbage {
  readonly #heap: Heap;
  /** How things were after the last collection. Starting leaves garbage anyway. */
  #last = { bytes: Number.NEGATIVE_INFINITY, open: 0, turnover: 0 };
  #turnover = 0;
  #changedAt = 0;

  constructor(heap = heapOfV8()) {
    this.#heap = heap;
  }

  /**
   * To be called now and then.
   *
   * @param open sessions.
   * @param turnover sessions opened and ended since the start.
   * @param quiet do no sessions speak that would notice a stop?
   * @param now ms of `performance.now()`.
   */
  tick(open: number, turnover: number, quiet: boolean, now: number): void {
    if (turnover !== this.#turnover) this.#changedAt = now;
    this.#turnover = turnover;
    const haveGone = turnover - this.#last.turnover >= 2 * manySessions;
    const mayStop = quiet || (haveGone && now - this.#changedAt >= longRest);
    if (!mayStop || now - this.#changedAt < rest) return;
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

/** Node hands its collector out only with a flag; one set later counts for new contexts. */
function heapOfV8(): Heap {
  setFlagsFromString('--expose-gc');
  const gc = runInNewContext('gc') as (options: object) => void;
  return {
    used: () => getHeapStatistics().used_heap_size,
    collect: (what) =>
      gc(what === 'young' ? { type: 'minor' } : { type: 'major', flavor: 'last-resort' }),
  };
}
