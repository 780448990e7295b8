/** A schedule that fails is made smaller for as long as it does. */
import { expect, test } from 'vitest';
import type { Result } from '../../chaos/run.ts';
import type { FaultName } from '../../chaos/schedule/faults.ts';
import { makeSchedule, type Schedule } from '../../chaos/schedule/schedule.ts';
import { shrink } from '../../chaos/shrink.ts';

const step = (fault: FaultName) => ({ at: 0, for: 0, fault });
const schedule = (...faults: readonly FaultName[]): Schedule => ({
  ...makeSchedule(1),
  steps: faults.map(step),
});

/** A run that fails by a check where all of these faults are there. */
function failsBy(check: string, ...needed: readonly FaultName[]) {
  const runs: Schedule[] = [];
  const run = async (each: Schedule): Promise<Result> => {
    runs.push(each);
    const faults = each.steps.map(({ fault }) => fault);
    const findings = needed.every((fault) => faults.includes(fault)) ? [{ check, what: '' }] : [];
    return { schedule: each, findings } as unknown as Result;
  };
  return { run, runs };
}

const left = async (first: Schedule, { run }: ReturnType<typeof failsBy>) =>
  (await shrink(await run(first), run)).schedule.steps.map(({ fault }) => fault);

test('what is not needed is left out', async () => {
  const all = schedule('kill', 'stop', 'drain');
  expect(await left(all, failsBy('excuses', 'stop'))).toEqual(['stop']);
  expect(await left(all, failsBy('excuses', 'kill', 'drain'))).toEqual(['kill', 'drain']);
  expect(await left(all, failsBy('excuses', 'kill', 'stop', 'drain'))).toHaveLength(3);
});

test('what passes once is tried again, and one step is not made smaller', async () => {
  const both = failsBy('excuses', 'kill', 'drain');
  await left(schedule('kill', 'drain'), both);
  expect(both.runs).toHaveLength(1 + 2 + 2);
  const one = failsBy('excuses', 'kill');
  await left(schedule('kill'), one);
  expect(one.runs).toHaveLength(1);
});

test('another finding is another matter', async () => {
  const all = schedule('kill', 'stop');
  const first = await failsBy('excuses', 'kill', 'stop').run(all);
  const others = failsBy('figures', 'kill');
  expect((await shrink(first, others.run)).schedule.steps).toHaveLength(2);
});
