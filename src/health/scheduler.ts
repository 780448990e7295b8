/**
 * When a member is checked: rarely while it is well, fast while anything about it is in doubt, and
 * at once when the data path had a bad experience with it. A check that waits for its answer is a
 * doubt itself: the next one does not wait for it to time out.
 *
 *   well       ●───────── interval ─────────●
 *   in doubt   ●─ fast ─●─ fast ─●                 a check may wait for its answer beside the next
 *
 * Owns one timer a member. Leaves to others what a check is (probe.ts) and what follows from it
 * (member-table.ts).
 */

import { nextInStep } from '../lib/step.ts';
import type { CheckResult } from './probe.ts';

export interface ProbeSchedule {
  /** Between the starts of two checks of a healthy member, ms. */
  readonly interval: number;
  /** The same for a member in any other state, ms. */
  readonly fastInterval: number;
}

export interface CheckedMember {
  /** Runs one check; never rejects. */
  readonly check: () => Promise<CheckResult>;
  /** Takes the result in; `isWell` reflects it afterwards. */
  readonly report: (result: CheckResult) => void;
  /** Is the slow interval enough for now? */
  readonly isWell: () => boolean;
}

/** Fast intervals vary by up to this share either way: who doubts a member does not do so in step. */
const jitter = 0.1;

export class ProbeScheduler {
  readonly #member: CheckedMember;
  readonly #schedule: ProbeSchedule;
  readonly #random: () => number;
  #timer: NodeJS.Timeout | undefined;
  #stopped = false;
  #startedAt = Number.NEGATIVE_INFINITY;
  #hurried = false;
  #unanswered = 0;
  /** Numbers of the last check started, and of the last one whose result was reported. */
  #started = 0;
  #reported = 0;
  /** When the last passed check was reported. */
  #passedAt = Number.NEGATIVE_INFINITY;

  /** Starts with a check at once. Stops, for good, when `signal` aborts. */
  constructor(
    member: CheckedMember,
    schedule: ProbeSchedule,
    signal: AbortSignal,
    random: () => number = Math.random,
  ) {
    this.#member = member;
    this.#schedule = schedule;
    this.#random = random;
    signal.addEventListener('abort', () => this.#stop(), { once: true });
    if (signal.aborted) this.#stop();
    else this.#run();
  }

  /**
   * Asks for a check now, or as soon as a fast interval has passed since the last one started: a
   * thousand requests are one check, so that a failing member is not buried under them.
   */
  hurry(): void {
    if (this.#stopped || this.#hurried) return;
    this.#hurried = true;
    this.#arm();
  }

  /** Starts a check at once, whatever was before. */
  now(): void {
    if (!this.#stopped) this.#run();
  }

  #arm(): void {
    clearTimeout(this.#timer);
    const calm = this.#member.isWell() && !this.#hurried && this.#unanswered === 0;
    const { interval, fastInterval } = this.#schedule;
    const soon = this.#startedAt + fastInterval * (1 + jitter * (2 * this.#random() - 1));
    const due = calm ? nextInStep(Math.max(soon, performance.now()), interval) : soon;
    this.#timer = setTimeout(() => this.#run(), Math.max(0, Math.ceil(due - performance.now())));
  }

  #run(): void {
    clearTimeout(this.#timer);
    this.#hurried = false;
    this.#startedAt = performance.now();
    this.#unanswered += 1;
    this.#started += 1;
    const number = this.#started;
    const startedAt = this.#startedAt;
    void this.#member.check().then((result) => this.#take(number, startedAt, result));
    this.#arm();
  }

  #take(number: number, startedAt: number, result: CheckResult): void {
    this.#unanswered -= 1;
    if (this.#stopped) return;
    // An answer to an older question than the last one answered is no news. Nor is one of several
    // that a hung member gives at once when it goes on: they are one pass.
    const isNews = number > this.#reported && !(result.ok && startedAt < this.#passedAt);
    if (isNews) {
      this.#reported = number;
      if (result.ok) this.#passedAt = performance.now();
      this.#member.report(result);
    }
    // Reporting may have led to a stop.
    if (!this.#stopped) this.#arm();
  }

  #stop(): void {
    this.#stopped = true;
    clearTimeout(this.#timer);
  }
}
