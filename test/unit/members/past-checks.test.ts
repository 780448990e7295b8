import { expect, test } from 'vitest';
import { keptChecks, PastChecks } from '../../../src/members/past-checks.ts';

test('keeps the last ones only', () => {
  const checks = new PastChecks();
  const more = keptChecks + 7;
  for (let at = 1; at <= more; at += 1) checks.add({ at, ok: true, duration: at });
  expect(checks.all.map(({ at }) => at)).toEqual(
    Array.from({ length: keptChecks }, (_, index) => index + 8),
  );
});

test('gives what is new once, and never more than it keeps', () => {
  const checks = new PastChecks();
  checks.add({ at: 1, ok: true, duration: 1 });
  expect(checks.takeNew()).toEqual([{ at: 1, ok: true, duration: 1 }]);
  expect(checks.takeNew()).toEqual([]);
  for (let at = 2; at < 500; at += 1) checks.add({ at, ok: true, duration: 1 });
  expect(
    checks
      .takeNew()
      .map(({ at }) => at)
      .at(-keptChecks),
  ).toBe(500 - keptChecks);
});
