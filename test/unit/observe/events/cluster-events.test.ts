import { expect, test } from 'vitest';
import { clusterChanged, fitnessChanged } from '../../../../src/observe/events/cluster-events.ts';
import { memberAt } from '../../proxy/members.ts';

const m2 = memberAt(1, 'm2');
const leader = { memberId: 'c', name: 'm2' };

test.each([
  [
    { kind: 'leader', leader, term: 7, without: 1_321, first: false },
    'm2 became leader, term 7, 1.3 s without a leader',
  ],
  [
    { kind: 'leader', leader, term: 2, without: undefined, first: true },
    'm2 is the leader, term 2',
  ],
  [
    { kind: 'no-leader', was: leader, term: 7 },
    'no member that answers knows a leader any more; m2 was it',
  ],
  [{ kind: 'alarm', alarm: 'NOSPACE', member: 'm2', on: false }, 'the alarm NOSPACE of m2 is over'],
  [{ kind: 'known', member: m2 }, 'm2 answers questions about itself again'],
] as const)('%j', (change, message) => {
  expect(clusterChanged(change).message).toBe(message);
});

test('an alarm is an error, and says what to do', () => {
  const raised = clusterChanged({ kind: 'alarm', alarm: 'NOSPACE', member: 'm2', on: true });
  expect(raised).toMatchObject({ level: 'error', message: expect.stringContaining('disarm') });
});

test('why a member is not used is told as loud as it matters', () => {
  const levels = (['learner', 'lagging', 'other-cluster'] as const).map((reason) => {
    const unfit = { reason, detail: 'it is so', isExcluded: reason !== 'lagging' };
    return fitnessChanged({ member: m2, ineligibility: unfit }).level;
  });
  expect(levels).toEqual(['info', 'warn', 'error']);
  expect(fitnessChanged({ member: m2, ineligibility: undefined }).kind).toBe('member-fit');
});
