import { expect, test } from 'vitest';
import { CheckHistory } from '../../../src/observe/check-history.ts';
import { aMember, note } from '../../support/members.ts';

const failure = { reason: 'timeout', detail: 'timed out after 700 ms' } as const;

test('has the checks of each member, oldest first', () => {
  const [m0, m1, m2] = [aMember('m0'), aMember('m1'), aMember('m2')];
  const history = new CheckHistory(() => [m0, m1, m2]);
  note(m0, { at: 1_000, ok: true, duration: 1.234 });
  note(m1, { at: 1_001, ok: false, duration: 700, failure });
  note(m0, { at: 2_000, ok: true, duration: 2 });
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
  note(m1, { at: 3_000, ok: true, duration: 3 });
  expect(history.takeNew()).toEqual({ m1: [{ at: 3_000, duration: 3, ok: true }] });
});

test('has a member under the name it has now', () => {
  const member = aMember('m0');
  const history = new CheckHistory(() => [member]);
  note(member, { at: 1, ok: true, duration: 1 });
  member.place = { ...member.place, name: 'm1' };
  expect(Object.keys(history.all)).toEqual(['m1']);
});

test('forgets who has left', () => {
  const m0 = aMember('m0');
  let members = [m0];
  const history = new CheckHistory(() => members);
  note(m0, { at: 1, ok: true, duration: 1 });
  expect(Object.keys(history.all)).toEqual(['m0']);
  members = [];
  expect(history.all).toEqual({});
});
