import fc from 'fast-check';
import { expect, test } from 'vitest';
import {
  decodeTurn,
  encodeTurn,
  nextDue,
  retryAfter,
  takenTtl,
} from '../../../src/snapshot/schedule/turns.ts';

const hour = 3_600_000;

test('the next is due a period after the last, with a little jitter; the first soon', () => {
  fc.assert(
    fc.property(
      fc.integer({ min: 0, max: 10 * hour }),
      fc.double({ min: 0, max: 1, noNaN: true }),
      (age, random) => {
        const now = 1_000_000_000;
        const due = nextDue(now - age, 6 * hour, random, now);
        expect(due).toBeGreaterThanOrEqual(Math.max(now, now - age + 6 * hour));
        expect(due).toBeLessThanOrEqual(Math.max(now, now - age + 6 * hour) + 600_000);
        expect(nextDue(undefined, 6 * hour, random, now) - now).toBeLessThanOrEqual(600_000);
      },
    ),
  );
});

test('a balancer that is late by its jitter finds the turn of the one that was first', () => {
  // The turn is kept for nine tenths of the period, and each is due a period after it.
  expect(takenTtl(6 * hour)).toBe(5.4 * 3_600);
  expect(takenTtl(500)).toBe(1);
});

test('after a failure it is tried again soon, but not without pause', () => {
  expect([2_000, 60_000, 6 * hour].map(retryAfter)).toEqual([2_000, 10_000, 600_000]);
});

test('what others wrote under the key is not taken for a turn', () => {
  const turn = { state: 'taken', by: 'cp1', at: 1 } as const;
  expect(decodeTurn(encodeTurn(turn))).toEqual(turn);
  for (const text of ['', '{', 'null', '{}', '{"state":"done","by":"x","at":1}', '[1]']) {
    expect(decodeTurn(text), text).toBeUndefined();
  }
});
