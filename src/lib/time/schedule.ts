/**
 * When repeated work starts: rarely while all is calm, fast while it is not, and soon on request.
 *
 *   calm       ●───────── interval ─────────●      in step; see step.ts
 *   else       ●─ fast ─●─ fast ─●                 with jitter
 *
 * Owns one timer. Its owner does the work, and sets the timer again afterwards: at once, or when an answer
 * has arrived.
 */
import { nextInStep } from './step.ts';

export interface ScheduleOptions {
  /** Between two starts while all is calm, ms; above 0. */
  readonly interval: () => number;
  /** The same while it is not, ms; also the least time between two starts. */
  readonly fastInterval: () => number;
  readonly isCalm: () => boolean;
  /** Must not throw. */
  readonly work: () => void;
}

/** The jitter of fast intervals, as a share either way, so that fast questions are not asked in step. */
const jitter = 0.1;

export class Schedule {
  readonly #options: ScheduleOptions;
  readonly #signal: AbortSignal;
  readonly #random: () => number;
  #timer: NodeJS.Timeout | undefined;
  #startedAt = Number.NEGATIVE_INFINITY;
  /** The first start is due soon too. */
  #isDueSoon = true;

  /** Does nothing before `arm` or `now`, nor after `signal` aborts. */
  constructor(options: ScheduleOptions, signal: AbortSignal, random: () => number = Math.random) {
    this.#options = options;
    this.#signal = signal;
    this.#random = random;
    signal.addEventListener('abort', () => this.#disarm(), { once: true });
  }

  /**
   * Requests a start now, or once a fast interval has passed since the last one. A thousand requests
   * are one start. While the timer is not set, the request waits until it is set again.
   */
  soon(): void {
    if (this.#isDueSoon) return;
    this.#isDueSoon = true;
    if (this.#timer !== undefined) this.arm();
  }

  /** Starts at once, however recent the last start was. */
  now(): void {
    this.#disarm();
    if (this.#signal.aborted) return;
    this.#isDueSoon = false;
    this.#startedAt = performance.now();
    this.#options.work();
  }

  /** Sets the timer for the next start. */
  arm(): void {
    this.#disarm();
    if (this.#signal.aborted) return;
    const { interval, fastInterval, isCalm } = this.#options;
    const soon = this.#startedAt + fastInterval() * (1 + jitter * (2 * this.#random() - 1));
    const isFast = this.#isDueSoon || !isCalm();
    const due = isFast ? soon : nextInStep(Math.max(soon, performance.now()), interval());
    this.#timer = setTimeout(() => this.now(), Math.max(0, Math.ceil(due - performance.now())));
  }

  #disarm(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
  }
}
