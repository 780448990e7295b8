/**
 * How long the leader may take for an answer before it is in doubt: three times its slowest one of late,
 * as a busy machine or a distant one is slow all the time, within bounds. Where this process itself was kept
 * from running of late, it is the longest: what seems slow then is often the balancer. Pure.
 */

/** ms. The least is above a pause of a Go runtime, and of what a machine with time to spare makes one wait. */
const least = 50;
const most = 200;
const factor = 3;
/** Answers that are remembered. */
const remembered = 128;
/** A stall is remembered for this long, ms. */
const stallMemory = 5_000;

export class Patience {
  readonly #durations: number[] = [];
  #next = 0;
  #stalledAt = Number.NEGATIVE_INFINITY;

  /** This process was kept from running until `now`, ms of `performance.now()`. */
  stalled(now: number): void {
    this.#stalledAt = now;
  }

  /** An answer took this long, ms. */
  learn(duration: number): void {
    this.#durations[this.#next] = duration;
    this.#next = (this.#next + 1) % remembered;
  }

  /** Another member is asked from now on. */
  forget(): void {
    this.#durations.length = 0;
    this.#next = 0;
  }

  /** At `now`, ms of `performance.now()`; in ms. */
  at(now: number): number {
    if (now - this.#stalledAt < stallMemory) return most;
    const slowest = this.#durations.reduce((most, each) => Math.max(most, each), 0);
    return Math.min(most, Math.max(least, factor * slowest));
  }
}
