/**
 * Turns: the work of visitors, one piece per turn of the event loop, with pauses in between, so that the relay
 * has most of the time.
 *
 * Owns the order, first come first served, and the pauses. A piece that waits for something does not delay the next.
 */

/** The pause after a piece of work, as a multiple of its duration. */
const pauseFactor = 4;
/** The longest pause, ms: a piece may seem long only because the process was suspended. */
const longestPause = 100;

export class Turns {
  readonly #waiting: (() => void)[] = [];
  #isDue = false;
  #isStopped = false;
  #timer: NodeJS.Timeout | undefined;

  /** Runs `work`, which must not throw, in a turn of its own. */
  take(work: () => void): void {
    if (this.#isStopped) return;
    this.#waiting.push(work);
    if (!this.#isDue) this.#schedule();
  }

  /** Drops the waiting work, and starts no more. */
  stop(): void {
    this.#isStopped = true;
    this.#waiting.length = 0;
    clearTimeout(this.#timer);
  }

  #schedule(): void {
    this.#isDue = true;
    let began = 0;
    setImmediate(() => {
      began = performance.now();
      this.#waiting.shift()?.();
    });
    // Runs right after the work, and after the promises that it settled.
    setImmediate(() => {
      if (this.#isStopped) return;
      const pause = Math.min((performance.now() - began) * pauseFactor, longestPause);
      if (pause < 1) this.#next();
      else this.#timer = setTimeout(() => this.#next(), pause);
    });
  }

  #next(): void {
    if (this.#waiting.length > 0) this.#schedule();
    else this.#isDue = false;
  }
}
