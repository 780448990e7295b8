/** Whom an event is about, by the fields that are shown of it. */
import { expect, test } from 'vitest';
import { describe as told } from '../../../../src/observe/events/event.ts';
import { membersOf } from '../../../../src/observe/events/members-of.ts';

test('tells whom it is about', () => {
  expect(
    membersOf({ member: 'm1', was: 'm1', leader: 'm0', successor: 'm4', from: ['m2', 'm3'] }),
  ).toEqual(['m1', 'm0', 'm4', 'm2', 'm3']);
  expect(membersOf({ from: 'starting', to: 'normal', member: 7 })).toEqual([]);
});

test('knows the leader of a hold, both names of a member, and those that are drained', () => {
  const why = 'm1, the leader, does not answer';
  const hold = { leader: 'm1', cause: 'unresponsive', why, since: 0 } as const;
  const ended = { ...hold, end: 'elected', successor: 'm2', duration: 5 } as const;
  const drains = ['m4', 'm5'].map((name) => ({ name, endpoint: '', since: '' }));
  const endpoint = 'http://10.0.0.1:2379';
  const all = [
    told({ kind: 'hold-began', ...hold }),
    told({ kind: 'hold-ended', ...ended }),
    told({ kind: 'member-renamed', member: 'm3', before: 'm0', endpoint }),
    told({ kind: 'drains-restored', drains }),
    told({ kind: 'state-used', file: 'members', members: 3, savedAt: '' }),
  ];
  expect(all.map(({ fields }) => membersOf(fields))).toEqual([
    ...[['m1'], ['m1', 'm2'], ['m3', 'm0'], ['m4', 'm5'], []],
  ]);
});
