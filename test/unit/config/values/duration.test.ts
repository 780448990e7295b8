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
  ])('%s', (text, ms) => {
    expect(parseDuration(text)).toBe(ms);
  });

  test.each([
    ['2x', '"2x" is not a duration; write 2s or 250ms'],
    ['', '"" is not a duration; write 2s or 250ms'],
    ['-1s', '"-1s" is not a duration; write 2s or 250ms'],
    ['1m30s', '"1m30s" is not a duration; write 2s or 250ms'],
    ['2 s', '"2 s" is not a duration; write 2s or 250ms'],
    ['2', '"2" has no unit; write 2s or 250ms'],
    ['0.5ms', '"0.5ms" is finer than a millisecond; write whole milliseconds'],
    ['597h', '"597h" is too long; write at most 596h'],
    [`${'9'.repeat(400)}s`, `"${'9'.repeat(400)}s" is too long; write at most 596h`],
  ])('refuses %s', (text, reason) => {
    expect(() => parseDuration(text)).toThrow(new Error(reason));
  });

  test('are written in the largest unit that needs no fraction', () => {
    expect([0, 1, 1500, 2000, 90_000, 120_000, 3_600_000].map(formatDuration)).toEqual([
      '0',
      '1ms',
      '1500ms',
      '2s',
      '90s',
      '2m',
      '1h',
    ]);
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
