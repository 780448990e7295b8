/** The smallest part of a schedule that still fails: steps are left out while it does. */
import type { Result } from './run.ts';
import type { Schedule } from './schedule/schedule.ts';

/** Faults are timed and machines are not: what passes once may fail the next time. */
const attempts = 2;

/**
 * @param run carries a schedule out. What it rejects with, this rejects with.
 * @returns the result of the smallest schedule that failed by one of the checks of the first.
 */
export async function shrink(
  failed: Result,
  run: (schedule: Schedule) => Promise<Result>,
): Promise<Result> {
  const checks = new Set(failed.findings.map(({ check }) => check));
  let smallest = failed;
  for (let index = 0; index < smallest.schedule.steps.length; ) {
    if (smallest.schedule.steps.length === 1) break;
    const { steps } = smallest.schedule;
    const schedule = { ...smallest.schedule, steps: steps.filter((_, each) => each !== index) };
    const smaller = await failing(schedule, checks, run);
    if (smaller) smallest = smaller;
    else index += 1;
  }
  return smallest;
}

async function failing(
  schedule: Schedule,
  checks: ReadonlySet<string>,
  run: (schedule: Schedule) => Promise<Result>,
): Promise<Result | undefined> {
  for (let attempt = 0; attempt < attempts; attempt += 1) {
    const result = await run(schedule);
    if (result.findings.some(({ check }) => checks.has(check))) return result;
  }
  return undefined;
}
