/**
 * When something is done that is done now and then: rarely while all is calm, fast while it is not, and
 * soon when somebody is in a hurry.
 *
 *   calm       ●───────── interval ─────────●      in step; see step.ts
 *   else       ●─ fast ─●─ fast ─●                 each a little longer or shorter
 *
 * Owns one timer. Leaves to its owner what is done, and to set the timer again afterwards: at once, or when
 * an answer is there.
 */
import { nextInStep } from './step.ts';

export interface ScheduleOptions {
  /** Between two starts while all is calm, ms. Above 0. */
  readonly interval: () => number;
  /** The same while it is not, and between any two starts at least, ms. */
  readonly fastInterval: () => number;
  readonly isCalm: () => boolean;
  /** Must not throw. */
  readonly work: () => void;
}

/** Fast intervals vary by up to this share either way: what is in doubt is not asked about in step. */
const jitter = 0.1;

export class Schedule {
  readonly #options: ScheduleOptions;
  readonly #signal: AbortSignal;
  readonly #random: () => number;
  #timer: NodeJS.Timeout | undefined;
  #startedAt = Number.NEGATIVE_INFINITY;
  /** The first start is in a hurry. */
  #hurried = true;

  /** Does nothing before `arm` or `now`, and nothing more once `signal` aborts. */
  constructor(options: ScheduleOptions, signal: AbortSignal, random: () => number = Math.random) {
    this.#options = options;
    this.#signal = signal;
    this.#random = random;
    signal.addEventListener('abort', () => this.#disarm(), { once: true });
  }

  /**
   * Asks for a start now, or as soon as a fast interval has passed since the last one: a thousand wishes
   * are one start. While the timer is not set it waits until that is set again.
   */
  hurry(): void {
    if (this.#hurried) return;
    this.#hurried = true;
    if (this.#timer !== undefined) this.arm();
  }

  /** Starts at once, whatever was before. */
  now(): void {
    this.#disarm();
    if (this.#signal.aborted) return;
    this.#hurried = false;
    this.#startedAt = performance.now();
    this.#options.work();
  }

  /** Sets the timer for the next start. */
  arm(): void {
    this.#disarm();
    if (this.#signal.aborted) return;
    const { interval, fastInterval, isCalm } = this.#options;
    const soon = this.#startedAt + fastInterval() * (1 + jitter * (2 * this.#random() - 1));
    const isFast = this.#hurried || !isCalm();
    const due = isFast ? soon : nextInStep(Math.max(soon, performance.now()), interval());
    this.#timer = setTimeout(() => this.now(), Math.max(0, Math.ceil(due - performance.now())));
  }

  #disarm(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
  }
}
