import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { Condition } from '../../../src/lib/condition.ts';

let told: string[];
let condition: Condition<string>;

beforeEach(() => {
  vi.useFakeTimers();
  told = [];
  condition = new Condition((change) => told.push(change));
});
afterEach(() => {
  expect(vi.getTimerCount()).toBe(0);
  vi.useRealTimers();
});

test('each change is told once', () => {
  condition.clear('right');
  condition.raise('wrong');
  condition.raise('wrong again');
  condition.clear('right');
  condition.clear('right again');
  condition.set(true, 'wrong once more');
  expect(told).toEqual(['wrong', 'right', 'wrong once more']);
});

test('what is told late is not told if it is cleared before', () => {
  condition.raise('late', 1_000);
  vi.advanceTimersByTime(999);
  condition.clear('right');
  vi.advanceTimersByTime(1_000);
  expect(told).toEqual([]);
  condition.raise('late', 1_000);
  vi.advanceTimersByTime(500);
  condition.raise('later', 1_000);
  vi.advanceTimersByTime(500);
  expect(told).toEqual(['late']);
});

test('what is certain does not wait for what is late', () => {
  condition.raise('late', 1_000);
  condition.raise('wrong');
  condition.raise('late', 1_000);
  expect(told).toEqual(['wrong']);
});

test('without words it is cleared in silence', () => {
  condition.raise('wrong');
  condition.clear();
  condition.raise('wrong');
  expect(told).toEqual(['wrong', 'wrong']);
});
