/**
 * How long a leader may take to answer before it is in doubt: three times its slowest recent answer, within
 * bounds, since a busy or distant machine is always slow. Pure.
 */

/** ms. The least is above a pause of the Go runtime and the delays of a machine with spare CPU time. */
const least = 50;
const most = 200;
const factor = 3;
/** How many answers are remembered. */
const remembered = 128;

export class Patience {
  readonly #durations: number[] = [];

  /** Records an answer that took this long, ms. */
  learn(duration: number): void {
    if (this.#durations.push(duration) > remembered) this.#durations.shift();
  }

  /** ms. */
  get current(): number {
    return Math.min(most, Math.max(least, factor * Math.max(0, ...this.#durations)));
  }
}
