import { expect, test } from 'vitest';
import { describe } from '../../../../../src/observe/events/event.ts';

test.each([
  [
    { kind: 'leader-changed', leader: 'm2', term: 7, without: 1_321, first: false },
    'm2 became leader, term 7, 1.3 s without a leader',
  ],
  [{ kind: 'leader-changed', leader: 'm2', term: 2, first: true }, 'm2 is the leader, term 2'],
  [
    { kind: 'leader-lost', was: 'm2', term: 7 },
    'no member that answers knows a leader; m2 led before',
  ],
  [{ kind: 'alarm-cleared', alarm: 'NOSPACE', member: 'm2' }, 'the alarm NOSPACE of m2 is over'],
  [{ kind: 'inspection-back', member: 'm2' }, 'm2 answers status polls again'],
] as const)('%j', (change, message) => {
  expect(describe(change).message).toBe(message);
});

test('an alarm is an error, and says what to do', () => {
  const raised = describe({ kind: 'alarm-raised', alarm: 'NOSPACE', member: 'm2' });
  expect(raised).toMatchObject({ level: 'error', message: expect.stringContaining('disarm') });
});

test('why a member is not used is told as loud as it matters', () => {
  const levels = (['learner', 'lagging', 'other-cluster'] as const).map((reason) => {
    const isExcluded = reason !== 'lagging';
    return describe({ kind: 'member-unfit', member: 'm2', reason, detail: 'it is so', isExcluded })
      .level;
  });
  expect(levels).toEqual(['info', 'warn', 'error']);
  expect(describe({ kind: 'member-fit', member: 'm2' }).level).toBe('info');
});
