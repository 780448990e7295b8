/** What is said of holds, word by word. */
import { describe, expect, test } from 'vitest';
import type { CurrentHold, EndedHold } from '../../../../../src/leader/hold-status.ts';
import { describe as told } from '../../../../../src/observe/events/event.ts';
import { holdStatus } from '../../../../../src/observe/status.ts';

const since = Date.parse('2026-11-22T20:42:06.987Z');
const hung: CurrentHold = {
  cause: 'unresponsive',
  leader: 'm1',
  since,
  why: 'm1, the leader, does not answer',
};
const moved: CurrentHold = {
  cause: 'planned',
  leader: 'm1',
  since,
  why: 'an operator moves the leader from m1 to m2',
};

describe('a hold begins', () => {
  test('with who is lost and how it is known', () => {
    expect(told({ kind: 'hold-began', ...hung })).toEqual({
      level: 'warn',
      message: 'holding what clients send: m1, the leader, does not answer',
      fields: { leader: 'm1', cause: 'unresponsive' },
    });
  });

  test('and is no warning where somebody wants it', () => {
    const { level, message } = told({ kind: 'hold-began', ...moved });
    expect(level).toBe('info');
    expect(message).toBe('holding what clients send: an operator moves the leader from m1 to m2');
  });
});

test.each<[CurrentHold, Pick<EndedHold, 'end' | 'successor' | 'duration'>, string]>([
  [hung, { end: 'elected', successor: 'm2', duration: 1_321 }, '1.3 s: m2 leads'],
  [hung, { end: 'elected', successor: 'm1', duration: 999.6 }, '1.0 s: m1 leads again'],
  [hung, { end: 'elected', successor: undefined, duration: 999.4 }, '999 ms: a leader is elected'],
  [hung, { end: 'confirmed', successor: 'm1', duration: 12.4 }, '12 ms: m1 still leads'],
  [hung, { end: 'confirmed', successor: undefined, duration: 0.42 }, '0.4 ms: there is a leader'],
  [hung, { end: 'confirmed', successor: 'm2', duration: 9.96 }, '10 ms: m2 leads'],
  [
    hung,
    { end: 'expired', successor: undefined, duration: 4_003 },
    '4.0 s: there is no leader yet, and clients get that error from etcd',
  ],
  [
    hung,
    { end: 'cancelled', successor: undefined, duration: 10_000 },
    '10.0 s: the reason to hold is gone',
  ],
  [moved, { end: 'elected', successor: 'm2', duration: 35 }, '35 ms: m2 leads'],
  [
    moved,
    { end: 'expired', successor: undefined, duration: 4_000 },
    '4.0 s: no other member leads yet, and clients are no longer held for it',
  ],
  [
    moved,
    { end: 'cancelled', successor: 'm1', duration: 8 },
    '8.0 ms: m1 is not moved and still leads',
  ],
])('a hold for $cause ends: %j', (began, end, words) => {
  const { level, message } = told({ kind: 'hold-ended', ...began, ...end });
  expect(message).toBe(`holding is over after ${words}`);
  expect(level).toBe(end.end === 'expired' ? 'error' : 'info');
});

test('the end of a hold has its evidence, rounded', () => {
  const ended = (duration: number) =>
    told({ kind: 'hold-ended', ...hung, end: 'elected', successor: 'm2', duration }).fields;
  const rest = { leader: 'm1', cause: 'unresponsive', end: 'elected', successor: 'm2' };
  expect(ended(1_321.49)).toEqual({ ...rest, durationMs: 1_321 });
  expect(ended(9.449)).toEqual({ ...rest, durationMs: 9.4 });
});

test('a leader that was moved is told with what it cost', () => {
  expect(told({ kind: 'leader-moved', was: 'm1', leader: 'm2', heldMs: 34.6 })).toEqual({
    level: 'info',
    message: 'an operator moved the leader from m1 to m2; clients were held for 35 ms',
    fields: { was: 'm1', leader: 'm2', heldMs: 35 },
  });
  expect(told({ kind: 'leader-moved', was: 'm1', leader: 'm2', heldMs: 0 }).message).toMatch(
    /; clients were not held$/,
  );
});

describe('/status', () => {
  const now = since + 812.3;

  test('has just the limit when there is nothing to tell', () => {
    const view = { limit: 4_000, current: undefined, last: undefined };
    expect(holdStatus(view, now)).toEqual({ limitMs: 4_000 });
  });

  test('tells what lasts and what was last, as plain data', () => {
    const last: EndedHold = { ...moved, end: 'elected', successor: 'm2', duration: 35.4 };
    expect(holdStatus({ limit: 4_000, current: hung, last }, now)).toEqual({
      limitMs: 4_000,
      current: {
        ...{ leader: 'm1', cause: 'unresponsive', why: 'm1, the leader, does not answer' },
        ...{ since: '2026-11-22T20:42:06.987Z', forMs: 812 },
      },
      last: {
        ...{ leader: 'm1', cause: 'planned', end: 'elected', successor: 'm2' },
        ...{ at: '2026-11-22T20:42:06.987Z', durationMs: 35 },
      },
    });
  });

  test('leaves out who leads while that is not known', () => {
    const last: EndedHold = { ...hung, end: 'expired', successor: undefined, duration: 4_000 };
    const { last: shown } = holdStatus({ limit: 4_000, current: undefined, last }, now);
    expect(JSON.parse(JSON.stringify(shown))).not.toHaveProperty('successor');
  });
});
