/**
 * How long one leader may take for an answer before it is in doubt: three times its slowest one of late,
 * as a busy machine or a distant one is slow all the time, within bounds. Pure.
 */

/** ms. The least is above a pause of a Go runtime, and of what a machine with time to spare makes one wait. */
const least = 50;
const most = 200;
const factor = 3;
/** Answers that are remembered. */
const remembered = 128;

export class Patience {
  readonly #durations: number[] = [];

  /** An answer took this long, ms. */
  learn(duration: number): void {
    if (this.#durations.push(duration) > remembered) this.#durations.shift();
  }

  /** ms. */
  get current(): number {
    return Math.min(most, Math.max(least, factor * Math.max(0, ...this.#durations)));
  }
}
