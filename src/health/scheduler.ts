/**
 * When a member is probed: rarely while it is well, fast while anything about it is in doubt, and at
 * once when the data path had a bad experience with it. A probe that waits for its answer is a doubt
 * itself: the next one does not wait for it to time out.
 *
 * Owns which answers are news. Leaves to others the timer (schedule.ts), what a probe is (probe.ts)
 * and what follows from it (member-table.ts).
 */
import type { LiveSettings } from '../config/live-settings.ts';
import type { Settings } from '../config/settings.ts';
import { Schedule } from '../lib/time/schedule.ts';
import type { CheckResult } from './state/check-result.ts';

export interface ProbedMember {
  /** Runs one probe; never rejects. */
  readonly probe: () => Promise<CheckResult>;
  /** Takes the result in; `isWell` reflects it afterwards. */
  readonly report: (result: CheckResult) => void;
  /** Is the slow interval enough for now? */
  readonly isWell: () => boolean;
}

export class ProbeScheduler {
  readonly #member: ProbedMember;
  readonly #signal: AbortSignal;
  readonly #schedule: Schedule;
  #unanswered = 0;
  /** When the last one was started whose result was reported, and when the last pass was reported. */
  #reportedStart = Number.NEGATIVE_INFINITY;
  #passedAt = Number.NEGATIVE_INFINITY;

  /** Starts with a probe at once. Stops, for good, when `signal` aborts. */
  constructor(
    member: ProbedMember,
    settings: LiveSettings<Pick<Settings, 'checkInterval' | 'checkFastInterval'>>,
    signal: AbortSignal,
    random?: () => number,
  ) {
    this.#member = member;
    this.#signal = signal;
    this.#schedule = new Schedule(
      {
        interval: () => settings.current.checkInterval,
        fastInterval: () => settings.current.checkFastInterval,
        isCalm: () => this.#unanswered === 0 && member.isWell(),
        work: () => this.#run(),
      },
      signal,
      random,
    );
    this.#schedule.now();
  }

  /** Asks for a probe now, or a fast interval after the start of the last: a failing member is not buried. */
  hurry(): void {
    this.#schedule.soon();
  }

  /** Starts a probe at once, whatever was before. */
  now(): void {
    this.#schedule.now();
  }

  #run(): void {
    this.#unanswered += 1;
    const startedAt = performance.now();
    void this.#member.probe().then((result) => this.#take(startedAt, result));
    this.#schedule.arm();
  }

  #take(startedAt: number, result: CheckResult): void {
    this.#unanswered -= 1;
    if (this.#signal.aborted) return;
    // An answer to an older question than the last one answered is no news. Nor is one of several
    // that a hung member gives at once when it goes on: they are one pass.
    const isNews = startedAt > this.#reportedStart && !(result.ok && startedAt < this.#passedAt);
    if (isNews) {
      this.#reportedStart = startedAt;
      if (result.ok) this.#passedAt = performance.now();
      this.#member.report(result);
    }
    this.#schedule.arm();
  }
}
