/**
 * When a member passed and answered its checks. Corroboration of other members depends on it. Pure.
 */
import type { Observation } from './health.ts';

/** Times are ms since the epoch. */
export interface CheckTimes {
  /** Recent passes, oldest first, and the last pass before those. */
  readonly passes: readonly number[];
  /** The last answer of any kind, good or bad. */
  readonly answeredAt: number | undefined;
  /** Since when every check has had an answer. */
  readonly answersSince: number | undefined;
}

/** For a member that was not checked yet. */
export const noCheckTimes: CheckTimes = {
  passes: [],
  answeredAt: undefined,
  answersSince: undefined,
};

/**
 * The times after an observation at `now` (ms since the epoch).
 *
 * @param kept for how long passes are kept, ms.
 */
export function nextCheckTimes(
  times: CheckTimes,
  observation: Observation,
  kept: number,
  now: number,
): CheckTimes {
  const { passes, answeredAt, answersSince } = times;
  if (isAnswer(observation)) {
    const passed = observation.kind === 'check-passed';
    return {
      passes: passed ? [...fromLastBefore(passes, now - kept), now] : passes,
      answeredAt: now,
      answersSince: answersSince ?? now,
    };
  }
  const isUnanswered =
    observation.kind === 'check-failed' &&
    (answeredAt === undefined || answeredAt < observation.startedAt);
  return isUnanswered ? { ...times, answersSince: undefined } : times;
}

/** Has the member answered, even if only that it is not well? */
export function isAnswer(observation: Observation): boolean {
  if (observation.kind === 'check-failed') return observation.failure.reason === 'unhealthy';
  return observation.kind === 'check-passed' || observation.kind === 'answered';
}

function fromLastBefore(passes: readonly number[], time: number): readonly number[] {
  return passes.slice(
    Math.max(
      0,
      passes.findLastIndex((at) => at <= time),
    ),
  );
}
