import fc from 'fast-check';
import { expect, test } from 'vitest';
import { smoothed } from '../../../src/balancing/latency.ts';

test('the first answer counts, a shorter one at once, a longer one little by little', () => {
  expect(smoothed(undefined, 7)).toBe(7);
  expect(smoothed(7, 2)).toBe(2);
  expect(smoothed(2, 12)).toBeCloseTo(4);
});

test('it stays within what was seen, and comes to what is seen for long', () => {
  const anyDuration = fc.double({ min: 0, max: 1_000, noNaN: true });
  fc.assert(
    fc.property(fc.array(anyDuration, { minLength: 1 }), anyDuration, (seen, last) => {
      let known: number | undefined;
      for (const each of seen) known = smoothed(known, each);
      expect(known).toBeGreaterThanOrEqual(Math.min(...seen) - 1e-9);
      expect(known).toBeLessThanOrEqual(Math.max(...seen) + 1e-9);
      for (let times = 0; times < 100; times += 1) known = smoothed(known, last);
      expect(known).toBeCloseTo(last, 3);
    }),
  );
});
