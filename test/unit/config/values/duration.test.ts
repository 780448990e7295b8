import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { formatDuration, parseDuration } from '../../../../src/config/values/duration.ts';

describe('durations', () => {
  test.each([
    ['0', 0],
    ['0s', 0],
    ['250ms', 250],
    ['2s', 2000],
    ['1.5s', 1500],
    ['1.1s', 1100],
    ['0.001s', 1],
    ['1m', 60_000],
    ['1h', 3_600_000],
    ['1.5h', 5_400_000],
    ['1m30s', 90_000],
    ['1h15m30.5s', 4_530_500],
    ['1h0m0.001s', 3_600_001],
    ['30s1m', 90_000],
    ['2000us', 2],
    ['2000µs', 2],
    ['2000μs', 2],
    ['3000000ns', 3],
    ['1s500000us', 1_500],
    ['596h31m23.647s', 2 ** 31 - 1],
  ])('%s', (text, ms) => {
    expect(parseDuration(text)).toBe(ms);
  });

  test.each([
    ['2x', '"2x" is not a duration; write 2s or 250ms'],
    ['', '"" is not a duration; write 2s or 250ms'],
    ['-1s', '"-1s" is not a duration; write 2s or 250ms'],
    ['1m30', '"1m30" is not a duration; write 2s or 250ms'],
    ['1m 30s', '"1m 30s" is not a duration; write 2s or 250ms'],
    ['1m-30s', '"1m-30s" is not a duration; write 2s or 250ms'],
    ['1d', '"1d" is not a duration; write 2s or 250ms'],
    ['.5s', '".5s" is not a duration; write 2s or 250ms'],
    ['2 s', '"2 s" is not a duration; write 2s or 250ms'],
    ['2', '"2" has no unit; write 2s or 250ms'],
    ['0.5ms', '"0.5ms" is finer than a millisecond; write whole milliseconds'],
    ['1500us', '"1500us" is finer than a millisecond; write whole milliseconds'],
    ['1us', '"1us" is finer than a millisecond; write whole milliseconds'],
    ['1s1ns', '"1s1ns" is finer than a millisecond; write whole milliseconds'],
    ['596h60m', '"596h60m" is too long; write at most 596h'],
    ['597h', '"597h" is too long; write at most 596h'],
    [`${'9'.repeat(400)}s`, `"${'9'.repeat(400)}s" is too long; write at most 596h`],
  ])('refuses %s', (text, reason) => {
    expect(() => parseDuration(text)).toThrow(new Error(reason));
  });

  test.each([
    [0, '0'],
    [1, '1ms'],
    [999, '999ms'],
    [1_500, '1.5s'],
    [2_001, '2.001s'],
    [10_000, '10s'],
    [90_000, '1m30s'],
    [90_500, '1m30.5s'],
    [120_000, '2m'],
    [3_600_000, '1h'],
    [5_405_000, '1h30m5s'],
  ])('of %d ms are written as %s', (ms, text) => {
    expect(formatDuration(ms)).toBe(text);
  });

  test('survive being written and read', () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 2 ** 31 - 1 }), (ms) => {
        expect(parseDuration(formatDuration(ms))).toBe(ms);
      }),
    );
  });

  test('in seconds with up to three decimals are exact', () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 2_000_000_000 }), (ms) => {
        expect(parseDuration(`${(ms / 1000).toFixed(3)}s`)).toBe(ms);
      }),
    );
  });
});
