/**
 * The scheduler of a member's probes: slow while the member is well, fast while it is in doubt, and at once
 * after a bad sign on the data path. An unanswered probe is itself a doubt: the next one does not wait until
 * it times out.
 *
 * Decides which results are new. schedule.ts has the timer, probe.ts runs a probe, and member-table.ts decides
 * what follows.
 */
import type { LiveSettings } from '../config/live-settings.ts';
import type { Settings } from '../config/settings.ts';
import { Schedule } from '../lib/time/schedule.ts';
import type { CheckResult } from './state/check-result.ts';

export interface ProbedMember {
  /** Runs one probe; never rejects. */
  readonly probe: () => Promise<CheckResult>;
  /** Applies the result; afterwards `isWell` reflects it. */
  readonly report: (result: CheckResult) => void;
  /** Is the slow interval enough for now? */
  readonly isWell: () => boolean;
}

export class ProbeScheduler {
  readonly #member: ProbedMember;
  readonly #signal: AbortSignal;
  readonly #schedule: Schedule;
  #unanswered = 0;
  /** When the probe of the last reported result began, and when the last pass was reported. */
  #reportedStart = Number.NEGATIVE_INFINITY;
  #passedAt = Number.NEGATIVE_INFINITY;

  /** Starts a probe at once. Stops for good when `signal` aborts. */
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

  /** Probes now, or a fast interval after the start of the last probe: a failing member is not flooded. */
  probeSoon(): void {
    this.#schedule.soon();
  }

  /** Starts a probe at once, whenever the last one was. */
  probeNow(): void {
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
    // The result of a probe older than the last reported one is not new. When a hung member resumes, it
    // answers several probes at once: they count as one pass.
    const isNewer = startedAt > this.#reportedStart && !(result.ok && startedAt < this.#passedAt);
    if (isNewer) {
      this.#reportedStart = startedAt;
      if (result.ok) this.#passedAt = performance.now();
      this.#member.report(result);
    }
    this.#schedule.arm();
  }
}
