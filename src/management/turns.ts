/**
 * Turns: work that visitors ask for, one piece in each turn of the event loop, and with pauses, so that what is relayed
 * in between has most of the time.
 *
 * Owns the order, first come first served, and the pauses. A piece that waits for something does not hold up the next.
 */

/** After a piece of work there is a pause of so many times what it took. */
const pauseFactor = 4;
/** The longest pause, ms: a process that was stopped for a while has not worked. */
const longestPause = 100;

export class Turns {
  readonly #waiting: (() => void)[] = [];
  #isDue = false;
  #isStopped = false;
  #timer: NodeJS.Timeout | undefined;

  /** Has `work`, which must not throw, done in a turn of its own. */
  take(work: () => void): void {
    if (this.#isStopped) return;
    this.#waiting.push(work);
    if (!this.#isDue) this.#schedule();
  }

  /** Forgets what has not begun, and begins nothing more. */
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
    // Comes right after it, and after the promises that it has settled.
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
