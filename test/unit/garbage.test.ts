import { expect, test } from 'vitest';
import { Garbage } from '../../src/garbage.ts';

test('is collected once a thousand sessions came or went, and only in a quiet moment', () => {
  let collections = 0;
  const garbage = new Garbage(() => {
    collections += 1;
  });
  let now = 0;
  const after = (turnover: number, quiet: boolean, rest = 1_500): number => {
    garbage.beat(turnover, quiet, now);
    now += rest;
    garbage.beat(turnover, quiet, now);
    return collections;
  };
  expect(after(999, true)).toBe(0);
  expect(after(1_000, false)).toBe(0);
  expect(after(1_500, true, 1_499)).toBe(0); // more may be on their way
  expect(after(1_500, true)).toBe(1);
  expect(after(2_499, true)).toBe(1);
  expect(after(2_500, true)).toBe(2);
});

test('is collected by V8 itself', () => {
  let kept: unknown[] | undefined = Array.from({ length: 500_000 }, () => ({}));
  const gone = new WeakRef(kept);
  kept = undefined;
  return new Promise<void>((resolve) => {
    // A WeakRef keeps its target until the end of the turn that made it.
    setTimeout(() => {
      const garbage = new Garbage();
      garbage.beat(1_000, true, 0);
      garbage.beat(1_000, true, 1_500);
      expect(gone.deref()).toBeUndefined();
      resolve();
    });
  });
});
