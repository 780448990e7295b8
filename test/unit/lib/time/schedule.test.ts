/** Work that is done now and then, on a clock that the tests move. Jitter is off unless it is the subject. */
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { Schedule } from '../../../../src/lib/time/schedule.ts';

let startedAt: number[];
let isCalm: boolean;
let stop: AbortController;

beforeEach(() => {
  vi.useFakeTimers({ now: 0 });
  startedAt = [];
  isCalm = true;
  stop = new AbortController();
});
afterEach(() => {
  stop.abort();
  expect(vi.getTimerCount()).toBe(0);
  vi.useRealTimers();
});

const pass = (ms: number) => vi.advanceTimersByTimeAsync(ms);

/** @param armsItself sets its timer as soon as it has started. */
function start(armsItself = true, random = () => 0.5): Schedule {
  const schedule = new Schedule(
    {
      interval: () => 2_000,
      fastInterval: () => 250,
      isCalm: () => isCalm,
      work: () => {
        startedAt.push(performance.now());
        if (armsItself) schedule.arm();
      },
    },
    stop.signal,
    random,
  );
  return schedule;
}

test('does nothing before it is told to', async () => {
  start();
  await pass(5_000);
  expect(startedAt).toEqual([]);
});

test('is slow and in step while all is calm, and fast while it is not', async () => {
  start().arm();
  await pass(4_100);
  expect(startedAt).toEqual([0, 2_000, 4_000]);
  isCalm = false;
  await pass(2_400);
  expect(startedAt.slice(3)).toEqual([6_000, 6_250, 6_500]);
});

test.each([
  [0, 225],
  [1, 275],
])('a random number of %d makes the fast interval %d', async (random, interval) => {
  isCalm = false;
  start(true, () => random).now();
  await pass(interval - 1);
  expect(startedAt).toHaveLength(1);
  await pass(1);
  expect(startedAt).toHaveLength(2);
});

test('a thousand requests are one start, not before a fast interval has passed', async () => {
  const schedule = start();
  schedule.now();
  await pass(100);
  for (let n = 0; n < 1_000; n += 1) schedule.soon();
  expect(vi.getTimerCount()).toBe(1);
  await pass(1_000);
  expect(startedAt).toEqual([0, 250]);
});

test('a request while the timer is not set waits until it is', async () => {
  const schedule = start(false);
  schedule.now();
  await pass(1_000);
  schedule.soon();
  await pass(1_000);
  expect(startedAt).toEqual([0]);
  schedule.arm();
  await pass(0);
  expect(startedAt).toEqual([0, 2_000]);
});

test('a start at once is one, whatever was before, and the timer follows it', async () => {
  const schedule = start();
  schedule.now();
  await pass(100);
  schedule.now();
  expect(startedAt).toEqual([0, 100]);
  await pass(2_000);
  expect(startedAt).toEqual([0, 100, 2_000]);
});

test('once it has ended nothing starts it again', async () => {
  const schedule = start();
  schedule.now();
  stop.abort();
  schedule.soon();
  schedule.arm();
  schedule.now();
  await pass(5_000);
  expect(startedAt).toEqual([0]);
});
