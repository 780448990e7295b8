/**
 * A timer queue: for waits that are almost always cancelled, such as those of a dial. With a Node timer for each,
 * thousands would be set and cleared per second when all clients reconnect at once, and each makes Node build
 * a list for its duration and remove it again.
 *
 * Owns one Node timer for all of them, set for the earliest. Cancelling does not touch it. When it fires, it
 * runs the timers that are due, and is set again only for the remaining ones.
 */
import { attempt } from '../unexpected.ts';

export interface QueuedTimer {
  /** ms of `performance.now()`. */
  readonly due: number;
  readonly onDue: () => void;
}

export class TimerQueue {
  readonly #pending = new Set<QueuedTimer>();
  #timer: NodeJS.Timeout | undefined;
  #firesAt = Number.POSITIVE_INFINITY;

  /** How many timers have neither fired nor been cancelled. */
  get pending(): number {
    return this.#pending.size;
  }

  /** Calls `onDue` once, `wait` ms from now, unless it is cancelled. */
  set(wait: number, onDue: () => void): QueuedTimer {
    const timer = { due: performance.now() + wait, onDue };
    this.#pending.add(timer);
    if (timer.due < this.#firesAt) this.#arm(timer.due);
    return timer;
  }

  /** Does nothing for a timer that has fired, or for `undefined`. */
  cancel(timer: QueuedTimer | undefined): void {
    if (timer !== undefined) this.#pending.delete(timer);
  }

  #arm(due: number): void {
    clearTimeout(this.#timer);
    this.#firesAt = due;
    this.#timer = setTimeout(() => this.#fire(), Math.max(0, due - performance.now()));
    // Each user of a timer has an open socket, which keeps the process running.
    this.#timer.unref();
  }

  #fire(): void {
    this.#firesAt = Number.POSITIVE_INFINITY;
    const now = performance.now();
    // A Node timer may fire a fraction of a millisecond early; then it is set again.
    for (const timer of this.#pending) {
      if (timer.due > now) continue;
      this.#pending.delete(timer);
      attempt(timer.onDue);
    }
    let next = this.#firesAt;
    for (const { due } of this.#pending) next = Math.min(next, due);
    if (next < this.#firesAt) this.#arm(next);
  }
}
