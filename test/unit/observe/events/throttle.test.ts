import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { throttled } from '../../../../src/observe/events/throttle.ts';

beforeEach(() => {
  vi.useFakeTimers();
});
afterEach(() => {
  vi.useRealTimers();
});

test('a flood is told once in 10 s for each reason, and the counts add up', async () => {
  const reasons = ['limit', 'no-member'] as const;
  const told: { reason: string; count: number }[] = [];
  const happens = throttled<(typeof reasons)[number]>((reason, count) => {
    told.push({ reason, count });
  });
  for (let second = 0; second < 60; second += 1) {
    for (let client = 0; client < 1_000; client += 1) for (const reason of reasons) happens(reason);
    await vi.advanceTimersByTimeAsync(1_000);
  }
  await vi.advanceTimersByTimeAsync(10_000);
  for (const reason of reasons) happens(reason); // the next one tells of those before it
  for (const reason of reasons) {
    const own = told.filter((each) => each.reason === reason);
    expect(own.length).toBeLessThanOrEqual(8);
    expect(own.reduce((sum, { count }) => sum + count, 0)).toBe(60_001);
  }
  expect(vi.getTimerCount()).toBe(0);
});
