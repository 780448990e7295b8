/**
 * Alarms: waits that hardly ever last until their end, such as those of a dial. A timer for each would
 * be set and cleared thousands of times a second when everybody comes back at once, which Node does
 * by building a list for its length and taking it down again.
 *
 * Owns one timer for all of them, set for the earliest. Cancelling leaves it as it is: it looks who is
 * due when it fires, and is set again only for those that are left.
 */
import { attempt } from '../unexpected.ts';

export interface QueuedTimer {
  /** ms of `performance.now()`. */
  readonly due: number;
  readonly ring: () => void;
}

export class TimerQueue {
  readonly #pending = new Set<QueuedTimer>();
  #timer: NodeJS.Timeout | undefined;
  #firesAt = Number.POSITIVE_INFINITY;

  /** Alarms that have neither rung nor been cancelled. */
  get pending(): number {
    return this.#pending.size;
  }

  /** Rings once, `wait` ms from now, unless it is cancelled. */
  set(wait: number, ring: () => void): QueuedTimer {
    const alarm = { due: performance.now() + wait, ring };
    this.#pending.add(alarm);
    if (alarm.due < this.#firesAt) this.#arm(alarm.due);
    return alarm;
  }

  /** Changes nothing where it has rung, or was never set. */
  cancel(alarm: QueuedTimer | undefined): void {
    if (alarm !== undefined) this.#pending.delete(alarm);
  }

  #arm(due: number): void {
    clearTimeout(this.#timer);
    this.#firesAt = due;
    this.#timer = setTimeout(() => this.#fire(), Math.max(0, due - performance.now()));
    // Whoever waits has a socket open, which is what keeps the process running.
    this.#timer.unref();
  }

  #fire(): void {
    this.#firesAt = Number.POSITIVE_INFINITY;
    const now = performance.now();
    // A timer of Node's may fire a fraction of a millisecond early; it is then set once more.
    for (const alarm of this.#pending) {
      if (alarm.due > now) continue;
      this.#pending.delete(alarm);
      attempt(alarm.ring);
    }
    let next = this.#firesAt;
    for (const { due } of this.#pending) next = Math.min(next, due);
    if (next < this.#firesAt) this.#arm(next);
  }
}
