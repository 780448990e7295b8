/**
 * What a member's own checks have shown over time, as far as others are judged by it. Pure.
 */
import type { Observation } from './health.ts';

/** Times are ms since the epoch. */
export interface CheckTimes {
  /** When it passed, oldest first: lately, and the last time before that. */
  readonly passes: readonly number[];
  /** When it last answered anything, good or bad. */
  readonly answeredAt: number | undefined;
  /** Since when no check of it has gone by without any answer. */
  readonly answersSince: number | undefined;
}

/** Of a member that was not checked yet. */
export const noCheckTimes: CheckTimes = {
  passes: [],
  answeredAt: undefined,
  answersSince: undefined,
};

/**
 * Takes in what was seen at `now` (ms since the epoch).
 *
 * @param kept for how long passes are of interest, ms.
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

/** Has the member answered, if only that it is not well? */
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
