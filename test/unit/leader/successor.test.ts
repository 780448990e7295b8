/** Who is to lead next. */
import { describe, expect, test } from 'vitest';
import { type PossibleLeader, successorOf } from '../../../src/leader/successor.ts';
import { memberAt } from '../proxy/members.ts';

const [m0, m1, m2] = [memberAt(1, 'm0'), memberAt(2, 'm1'), memberAt(3, 'm2')];
const able = (member: typeof m0, appliedIndex: number): PossibleLeader => ({
  member,
  serves: true,
  status: { memberId: `id of ${member.name}`, appliedIndex, isLearner: false },
});
const all = [able(m0, 100), able(m1, 90), able(m2, 99)];
const learner: PossibleLeader = {
  ...able(m2, 99),
  status: { memberId: 'c', appliedIndex: 99, isLearner: true },
};

test('the one that has applied most leads next', () => {
  expect(successorOf(m0, all, undefined)).toEqual({ kind: 'found', member: m2, id: 'id of m2' });
});

test('an operator may name another', () => {
  expect(successorOf(m0, all, m1)).toMatchObject({ kind: 'found', member: m1 });
});

describe('is refused with a reason', () => {
  test.each<[string, readonly PossibleLeader[], typeof m0 | undefined, RegExp]>([
    ['the leader itself', all, m0, /m0 already leads/],
    ['a learner', [able(m0, 1), learner], m2, /m2 cannot lead: it is a learner/],
    ['who is not healthy', [able(m0, 1), { ...able(m1, 1), serves: false }], m1, /not healthy/],
    [
      'one whose status is unknown',
      [able(m0, 1), { ...able(m1, 1), status: undefined }],
      m1,
      /status is not known/,
    ],
    ['where there is nobody else', [able(m0, 1)], undefined, /No other member than m0/],
    ['where all others are learners', [able(m0, 1), learner], undefined, /No other member/],
  ])('%s', (_, members, named, why) => {
    const result = successorOf(m0, members, named);
    expect(result).toMatchObject({ kind: 'none', why: expect.stringMatching(why) });
  });
});
