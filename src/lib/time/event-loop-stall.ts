/**
 * Event-loop stalls: times when this process could not run, because of a suspended host, a busy neighbour
 * or its own event loop. An answer that seemed late may only have been noticed late, so a check that timed
 * out during a stall marks no member failed.
 *
 * Owns the time of the last stall. The ticker of housekeeping reports stalls (app/housekeeping/housekeeping.ts).
 */

/** A timer later than this means a stall, ms. */
const tolerance = 100;

export class EventLoopStalls {
  #lastEnd = Number.NEGATIVE_INFINITY;

  /** @param late how late a timer was, ms. @param now ms of `performance.now()`. */
  note(late: number, now: number): boolean {
    if (late <= tolerance) return false;
    this.#lastEnd = now;
    return true;
  }

  /** Did a stall end after `start`, ms of `performance.now()`? */
  since(start: number): boolean {
    return this.#lastEnd >= start;
  }
}
