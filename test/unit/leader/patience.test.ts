import fc from 'fast-check';
import { expect, test } from 'vitest';
import { Patience } from '../../../src/leader/patience.ts';

const duration = fc.double({ min: 0, max: 500, noNaN: true });

test('is three times the slowest of the last 128 answers, from 50 to 200 ms', () => {
  fc.assert(
    fc.property(fc.array(duration, { maxLength: 300 }), (durations) => {
      const patience = new Patience();
      for (const each of durations) patience.learn(each);
      const slowest = Math.max(0, ...durations.slice(-128));
      expect(patience.at(0)).toBeCloseTo(Math.min(200, Math.max(50, 3 * slowest)));
    }),
  );
});

test('another member begins anew', () => {
  const patience = new Patience();
  patience.learn(60);
  expect(patience.at(0)).toBe(180);
  patience.forget();
  expect(patience.at(0)).toBe(50);
});

test('is the longest for five seconds after this process was kept from running', () => {
  const patience = new Patience();
  patience.stalled(1_000);
  expect([1_000, 5_999, 6_000].map((now) => patience.at(now))).toEqual([200, 200, 50]);
});
