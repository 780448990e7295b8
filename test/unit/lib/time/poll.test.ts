import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { poll } from '../../../../src/lib/time/poll.ts';
import { surviveErrors } from '../../../../src/lib/unexpected.ts';

let stop: AbortController;
beforeEach(() => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
  stop = new AbortController();
});
afterEach(() => {
  stop.abort();
  expect(vi.getTimerCount()).toBe(0);
  vi.useRealTimers();
});

test('asks at once, and again when the answer is too old', async () => {
  const ask = vi.fn(async () => 1_000);
  poll(ask, stop.signal);
  expect(ask).toHaveBeenCalledTimes(1);
  await vi.advanceTimersByTimeAsync(999);
  expect(ask).toHaveBeenCalledTimes(1);
  await vi.advanceTimersByTimeAsync(1_001);
  expect(ask).toHaveBeenCalledTimes(3);
});

test('does not go on when it is stopped while it waits for an answer', async () => {
  const answer = Promise.withResolvers<number>();
  const ask = vi.fn(() => answer.promise);
  poll(ask, stop.signal);
  stop.abort();
  answer.resolve(0);
  await vi.advanceTimersByTimeAsync(1_000);
  expect(ask).toHaveBeenCalledTimes(1);
});

test('goes on after an error, which is handed over', async () => {
  const told: string[] = [];
  using _ = surviveErrors(
    () => {},
    (error) => told.push(error.message),
  );
  const ask = vi.fn(() => Promise.reject<number>(new Error('no')));
  poll(ask, stop.signal);
  await vi.advanceTimersByTimeAsync(5_000);
  expect(ask).toHaveBeenCalledTimes(2);
  expect(told).toContain('no');
});
