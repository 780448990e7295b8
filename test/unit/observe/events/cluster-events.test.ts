import { expect, test } from 'vitest';
import { clusterEvent } from '../../../../src/observe/events/changes.ts';
import { describe } from '../../../../src/observe/events/event.ts';
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
    'no member that answers knows a leader; m2 led before',
  ],
  [{ kind: 'alarm', alarm: 'NOSPACE', member: 'm2', on: false }, 'the alarm NOSPACE of m2 is over'],
  [{ kind: 'known', member: m2 }, 'm2 answers questions about itself again'],
] as const)('%j', (change, message) => {
  expect(describe(clusterEvent(change)).message).toBe(message);
});

test('an alarm is an error, and says what to do', () => {
  const raised = describe({ kind: 'alarm-raised', alarm: 'NOSPACE', member: 'm2' });
  expect(raised).toMatchObject({ level: 'error', message: expect.stringContaining('disarm') });
});

test('why a member is not used is told as loud as it matters', () => {
  const levels = (['learner', 'lagging', 'other-cluster'] as const).map((reason) => {
    const barred = reason !== 'lagging';
    return describe({ kind: 'member-unfit', member: 'm2', reason, detail: 'it is so', barred })
      .level;
  });
  expect(levels).toEqual(['info', 'warn', 'error']);
  expect(describe({ kind: 'member-fit', member: 'm2' }).level).toBe('info');
});
