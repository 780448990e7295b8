/** What the guard asks when, without a clock. */
import { describe, expect, test } from 'vitest';
import type { HoldCause, HoldState } from '../../../src/leader/hold.ts';
import {
  isInDoubt,
  nextHeartbeat,
  type Situation,
  untilNextRound,
  untilNextTick,
  waitingSince,
} from '../../../src/leader/schedule.ts';

const leader = { memberId: 'a', term: 1 };
const unled: HoldState = { kind: 'unled' };
const led: HoldState = { kind: 'led', leader, answers: true, provenAt: 9_900, othersAt: 0 };
const held = (cause: HoldCause): HoldState => ({
  ...{ kind: 'held', leader, cause, since: 9_990, until: 14_000, answers: false },
});

/** At 10 s, with a leader that has just been asked while sessions speak. */
const at = (change: Partial<Situation> = {}): Situation => ({
  ...{ now: 10_000, state: led, quietFor: 0, limit: 4_000, patience: 50, heartbeatAt: 10_000 },
  ...{ heartbeatSince: undefined, readSince: undefined },
  ...change,
});

describe('the next tick', () => {
  test.each<[string, Partial<Situation>, number]>([
    ['is that at the next heartbeat', {}, 20],
    ['is at once where that is overdue', { heartbeatAt: 9_000 }, 1],
    ['is in step while all are quiet', { quietFor: 1_000, heartbeatAt: 10_010 }, 250],
    ['is soon while nobody is known to lead', { state: unled }, 250],
    ['is sooner in a hold', { state: held('gone') }, 20],
    ['is soonest in a move', { state: held('planned') }, 5],
    ['is in no hurry where nothing may be held', { state: unled, limit: 0 }, 1_000],
    ['is in time for the decision', { heartbeatSince: 9_960 }, 10],
    ['is at once where that is due', { heartbeatSince: 9_900 }, 1],
    ['is early enough to ask the others', { heartbeatSince: 10_000 }, 20],
    ['counts from the last proof', { heartbeatSince: 9_000, readSince: 9_000 }, 1],
  ])('%s', (_, change, wait) => {
    expect(untilNextTick(at(change))).toBe(wait);
  });
});

test('heartbeats are 20 ms apart, and in step four times a second while all are quiet', () => {
  expect(nextHeartbeat(at())).toBe(10_020);
  expect(nextHeartbeat(at({ quietFor: 999 }))).toBe(10_020);
  expect(nextHeartbeat(at({ quietFor: 1_000, heartbeatAt: 10_001 }))).toBe(10_250);
});

test('everybody is asked who leads, often only while nobody is known to', () => {
  expect(untilNextRound(at())).toBe(1_000);
  expect(untilNextRound(at({ quietFor: 1_000 }))).toBe(10_000);
  expect(untilNextRound(at({ state: unled, quietFor: 1_000 }))).toBe(250);
});

describe('the leader', () => {
  test.each<[string, Partial<Situation>, boolean]>([
    ['is in no doubt while it answers', {}, false],
    ['is in none for half of its time', { heartbeatSince: 9_976 }, false],
    ['is in doubt after that', { heartbeatSince: 9_975 }, true],
    ['has its time since the last proof', { heartbeatSince: 9_500, patience: 202 }, false],
    ['is watched by reads once its heartbeat is lost', { heartbeatSince: 9_000 }, false],
    [
      'is watched four times a second',
      { heartbeatSince: 8_000, state: { ...led, provenAt: 9_750 } },
      true,
    ],
    ['is in doubt while such a read is open', { heartbeatSince: 8_000, readSince: 9_999 }, true],
    ['is in doubt in a hold', { state: held('unresponsive') }, true],
    ['is nobody to doubt while none is known', { state: unled, heartbeatSince: 9_000 }, false],
  ])('%s', (_, change, isDoubted) => {
    expect(isInDoubt(at(change))).toBe(isDoubted);
  });

  test('is proven by its heartbeat, and by reads once that is lost', () => {
    expect(waitingSince(at({ heartbeatSince: 9_001, readSince: 9_500 }))).toBe(9_001);
    expect(waitingSince(at({ heartbeatSince: 9_000, readSince: 9_500 }))).toBe(9_500);
    expect(waitingSince(at({ heartbeatSince: 9_000 }))).toBeUndefined();
  });
});
