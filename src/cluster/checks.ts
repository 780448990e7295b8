/**
 * When a member is checked: rarely while it is well, fast while anything about it is in doubt, and
 * at once when the data path had a bad experience with it.
 *
 * Owns one timer and one probe a member, and runs one check at a time. Leaves to others what a
 * check is (probe.ts) and what follows from it (member-table.ts).
 */
import type { CheckResult } from './probe.ts';

export interface CheckSchedule {
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

/** Intervals vary by up to this share either way, so that many balancers do not check in step. */
const jitter = 0.1;

export class Checks {
  readonly #member: CheckedMember;
  readonly #schedule: CheckSchedule;
  readonly #random: () => number;
  #timer: NodeJS.Timeout | undefined;
  #phase: 'waiting' | 'checking' | 'stopped' = 'waiting';
  #startedAt = Number.NEGATIVE_INFINITY;
  #hurried = false;

  /** Starts with a check at once. Stops, for good, when `signal` aborts. */
  constructor(
    member: CheckedMember,
    schedule: CheckSchedule,
    signal: AbortSignal,
    random: () => number = Math.random,
  ) {
    this.#member = member;
    this.#schedule = schedule;
    this.#random = random;
    signal.addEventListener('abort', () => this.#stop(), { once: true });
    if (signal.aborted) this.#stop();
    else void this.#run();
  }

  /**
   * Asks for a check now. One in flight is given its time and followed by another; a thousand
   * requests in one fast interval are one, so that a failing member is not buried under checks.
   */
  hurry(): void {
    if (this.#phase === 'stopped') return;
    this.#hurried = true;
    if (this.#phase === 'waiting') this.#arm();
  }

  #arm(): void {
    clearTimeout(this.#timer);
    const calm = this.#member.isWell() && !this.#hurried;
    const base = calm ? this.#schedule.interval : this.#schedule.fastInterval;
    const wait = base * (1 + jitter * (2 * this.#random() - 1));
    const due = Math.max(0, this.#startedAt + wait - performance.now());
    this.#timer = setTimeout(() => void this.#run(), due);
  }

  async #run(): Promise<void> {
    this.#phase = 'checking';
    this.#hurried = false;
    this.#startedAt = performance.now();
    const result = await this.#member.check();
    if (this.#stopped()) return;
    this.#member.report(result);
    if (this.#stopped()) return;
    this.#phase = 'waiting';
    this.#arm();
  }

  /** A call, so that the compiler does not narrow away what happens during an `await`. */
  #stopped(): boolean {
    return this.#phase === 'stopped';
  }

  #stop(): void {
    this.#phase = 'stopped';
    clearTimeout(this.#timer);
  }
}
