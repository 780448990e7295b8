/**
 * Event-loop stalls: times when this process was kept from running, by a suspended host, a busy neighbour
 * or its own event loop. What seemed late then was perhaps only noticed late, so a check that timed
 * out across such a time marks nobody failed.
 *
 * Owns the memory of the last such time. Told by whoever owns a regular timer (app.ts).
 */

/** A timer later than this was not merely late, ms. */
const tolerance = 100;

export class EventLoopStalls {
  #lastEnd = Number.NEGATIVE_INFINITY;

  /** @param late by how much a timer was late at `now`, both ms of `performance.now()`. */
  note(late: number, now: number): boolean {
    if (late <= tolerance) return false;
    this.#lastEnd = now;
    return true;
  }

  /** Was there such a time after `start` (ms of `performance.now()`), or does one go on? */
  since(start: number): boolean {
    return this.#lastEnd >= start;
  }
}
