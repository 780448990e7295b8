import { expect, test } from 'vitest';
import { type Candidate, inOrderOfChoice } from '../../../src/snapshot/choose.ts';

const member = (name: string, rest: Partial<Candidate> = {}): Candidate => ({
  ...{ name, isHealthy: true, isLearner: false, isLeader: false, appliedIndex: 5_000, sessions: 0 },
  ...rest,
});

const names = (...candidates: Candidate[]): string[] =>
  inOrderOfChoice(candidates).map(({ name }) => name);

test('a follower before the leader, however many sessions it has', () => {
  expect(names(member('m0', { isLeader: true }), member('m1', { sessions: 900 }))).toEqual([
    'm1',
    'm0',
  ]);
});

test('the one that lags least, then the one with the fewest sessions', () => {
  expect(
    names(
      member('m0', { appliedIndex: 90_000, sessions: 9 }),
      member('m1', { appliedIndex: 20_000 }),
      member('m2', { appliedIndex: 89_999, sessions: 3 }),
      member('m3', { appliedIndex: undefined }),
    ),
  ).toEqual(['m2', 'm0', 'm1', 'm3']);
});

test('one that fails its checks only when no other is left, a learner never', () => {
  expect(
    names(
      member('m0', { isHealthy: false }),
      member('m1', { isLeader: true }),
      member('m2', { isLearner: true }),
    ),
  ).toEqual(['m1', 'm0']);
});
