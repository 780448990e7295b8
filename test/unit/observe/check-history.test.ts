import { expect, test } from 'vitest';
import { CheckHistory, keptChecks } from '../../../src/observe/check-history.ts';

const failure = { reason: 'timeout', detail: 'timed out after 700 ms' } as const;

test('has the checks of each member, oldest first', () => {
  const history = new CheckHistory();
  history.note('m0', 1_000, { ok: true, duration: 1.234 });
  history.note('m1', 1_001, { ok: false, duration: 700, failure });
  history.note('m0', 2_000, { ok: true, duration: 2 });
  expect(history.all).toEqual({
    m0: [
      { at: 1_000, duration: 1.2, ok: true },
      { at: 2_000, duration: 2, ok: true },
    ],
    m1: [{ at: 1_001, duration: 700, ok: false }],
  });
});

test('keeps the last ones only', () => {
  const history = new CheckHistory();
  const more = keptChecks + 7;
  for (let at = 1; at <= more; at += 1) history.note('m0', at, { ok: true, duration: at });
  const kept = history.all['m0'] ?? [];
  expect(kept.map(({ at }) => at)).toEqual(
    Array.from({ length: keptChecks }, (_, index) => index + 8),
  );
});

test('gives what is new once, and never more than it keeps', () => {
  const history = new CheckHistory();
  history.note('m0', 1, { ok: true, duration: 1 });
  expect(Object.keys(history.takeNew())).toEqual(['m0']);
  expect(history.takeNew()).toEqual({});
  for (let at = 2; at < 500; at += 1) history.note('m0', at, { ok: true, duration: 1 });
  expect(
    history
      .takeNew()
      ['m0']?.map(({ at }) => at)
      .at(-keptChecks),
  ).toBe(500 - keptChecks);
});

test('forgets who has left', () => {
  const history = new CheckHistory();
  history.note('m0', 1, { ok: true, duration: 1 });
  history.forget('m0');
  expect(history.all).toEqual({});
});
