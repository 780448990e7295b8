import { expect, test } from 'vitest';
import { CheckHistory } from '../../../src/observe/check-history.ts';
import { aMember } from '../../support/members.ts';

test('has the checks of each member, oldest first', () => {
  const [m0, m1, m2] = [aMember('m0'), aMember('m1'), aMember('m2')];
  const history = new CheckHistory(() => [m0, m1, m2]);
  m0.pastChecks.add({ at: 1_000, ok: true, duration: 1.234 });
  m1.pastChecks.add({ at: 1_001, ok: false, duration: 700 });
  m0.pastChecks.add({ at: 2_000, ok: true, duration: 2 });
  const all = {
    m0: [
      { at: 1_000, duration: 1.2, ok: true },
      { at: 2_000, duration: 2, ok: true },
    ],
    m1: [{ at: 1_001, duration: 700, ok: false }],
  };
  expect(history.all).toEqual(all);
  expect(history.takeNew()).toEqual(all);
  expect(history.takeNew()).toEqual({});
});

test('has a member under the name it has now', () => {
  const member = aMember('m0');
  const history = new CheckHistory(() => [member]);
  member.pastChecks.add({ at: 1, ok: true, duration: 1 });
  member.place = { ...member.place, name: 'm1' };
  expect(Object.keys(history.all)).toEqual(['m1']);
});

test('forgets who has left', () => {
  let members = [aMember('m0')];
  const history = new CheckHistory(() => members);
  members[0]?.pastChecks.add({ at: 1, ok: true, duration: 1 });
  members = [];
  expect(history.all).toEqual({});
});
