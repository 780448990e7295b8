import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { Observation } from '../../../../src/diagnose/observation.ts';
import { certainlyAhead, findInClocks } from '../../../../src/diagnose/rules/clocks.ts';
import { cluster } from '../observations.ts';

/** What a clock that is `ahead` ms shows in whole seconds while a question is under way. */
function reading(ahead: number, askedAt: number, way: number, back: number) {
  const date = Math.floor((askedAt + way + ahead) / 1000) * 1000;
  return { date, askedAt, answeredAt: askedAt + way + back };
}

const now = Date.UTC(2026, 0, 1);

/** Members whose clocks are ahead by these, ms. */
function members(...ahead: number[]): Observation[] {
  return cluster(ahead.length).map((each, index) => ({
    ...each,
    clock: reading(ahead[index] ?? 0, now, 10, 10),
  }));
}

const anyDelay = fc.nat({ max: 2_000 });

describe('a clock', () => {
  test('is never said to be further off than it is, whatever the second and the way', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: -100_000, max: 100_000 }),
        fc.nat({ max: 10_000 }),
        anyDelay,
        anyDelay,
        (ahead, start, way, back) => {
          const certain = certainlyAhead(reading(ahead, now + start, way, back));
          if (certain > 0) expect(certain).toBeLessThanOrEqual(ahead);
          if (certain < 0) expect(certain).toBeGreaterThanOrEqual(ahead);
          expect(Math.abs(ahead - certain)).toBeLessThanOrEqual(1_000 + way + back);
        },
      ),
    );
  });

  test('a second apart is no finding, nor is one that tells no time', () => {
    expect(findInClocks(members(0, 1_000, -1_000))).toEqual([]);
    expect(findInClocks(cluster(3))).toEqual([]);
  });

  test('ahead or behind by more is told, by at least how much', () => {
    expect(findInClocks(members(0, 60_000, -4_000))).toMatchObject([
      {
        severity: 'warning',
        subject: 'm1',
        seen: "its clock is at least 60 s ahead of this host's",
      },
      { severity: 'warning', subject: 'm2', seen: "its clock is at least 3 s behind this host's" },
    ]);
  });

  test('of this host is to blame when all others are off the same way', () => {
    expect(findInClocks(members(30_000, 31_000, 32_000))).toMatchObject([
      { subject: 'this host', seen: "its clock is at least 30 s behind every member's" },
    ]);
    expect(findInClocks(members(30_000, -30_000))).toHaveLength(2);
    expect(findInClocks(members(30_000, 31_000, 0))).toHaveLength(2);
    expect(findInClocks(members(30_000))).toMatchObject([{ subject: 'm0' }]);
  });
});
