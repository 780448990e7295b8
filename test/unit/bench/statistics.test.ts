import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  median,
  medianDifference,
  medianRatio,
  pairwise,
  quantile,
  spread,
} from '../../bench/statistics.ts';

const rounds = (...values: (number | undefined)[]) =>
  new Map(values.flatMap((value, round) => (value === undefined ? [] : [[round, value] as const])));

describe('median and quantiles', () => {
  test.each([
    [[3], 3],
    [[5, 1, 3], 3],
    [[4, 1, 3, 2], 2.5],
  ])('the median of %j is %d', (values, expected) => {
    expect(median(values)).toBe(expected);
  });

  test('of nothing are not a number', () => {
    expect(median([])).toBeNaN();
    expect(spread([])).toEqual({ median: Number.NaN, lower: Number.NaN, upper: Number.NaN });
  });

  test('lie between neighbours in proportion', () => {
    expect(quantile([0, 10], 0.25)).toBe(2.5);
    expect(spread([1, 2, 3, 4, 5])).toEqual({ median: 3, lower: 2, upper: 4 });
  });

  test('lie within the values, and do not depend on their order', () => {
    const values = fc.array(fc.double({ min: -1e9, max: 1e9, noNaN: true }), { minLength: 1 });
    fc.assert(
      fc.property(values, fc.double({ min: 0, max: 1, noNaN: true }), (some, share) => {
        const found = quantile(some, share);
        expect(found).toBe(quantile(some.toReversed(), share));
        expect(found).toBeGreaterThanOrEqual(Math.min(...some) - 1e-6);
        expect(found).toBeLessThanOrEqual(Math.max(...some) + 1e-6);
      }),
    );
  });
});

describe('two contestants', () => {
  test('are compared within rounds, so that a slow round does not count', () => {
    expect(medianRatio(rounds(9, 90, 9), rounds(10, 100, 10))).toBe(0.9);
    expect(medianDifference(rounds(12, 112, 13), rounds(10, 110, 10))).toBe(2);
  });

  test('are compared only in rounds that both have', () => {
    expect(pairwise(rounds(1, 2, 3), rounds(undefined, 20), (a, b) => b / a)).toEqual([10]);
    expect(medianRatio(rounds(1), rounds())).toBeNaN();
  });
});
