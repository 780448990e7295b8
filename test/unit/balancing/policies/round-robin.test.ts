import fc from 'fast-check';
import { expect, test } from 'vitest';
import { roundRobin } from '../../../../src/balancing/policies/round-robin.ts';
import { countChoices, newMembers, seeded } from '../members.ts';

test('each member is chosen exactly once a turn, also after the list became longer or shorter', () => {
  const anyLengths = fc.array(fc.integer({ min: 1, max: 9 }), { minLength: 1, maxLength: 10 });
  fc.assert(
    fc.property(anyLengths, fc.integer(), (lengths, seed) => {
      const members = newMembers(9);
      const policy = roundRobin(seeded(seed));
      for (const length of lengths) {
        const list = members.slice(0, length);
        expect(countChoices(list, length, () => policy(list, []))).toEqual(list.map(() => 1));
      }
    }),
  );
});

test('the order is that of the list', () => {
  const members = newMembers(3);
  const policy = roundRobin(() => 0.5);
  const names = Array.from({ length: 5 }, () => policy(members, [])?.name);
  expect(names).toEqual(['m1', 'm2', 'm0', 'm1', 'm2']);
});

test('the first one is drawn', () => {
  const members = newMembers(4);
  const counts = countChoices(members, 400, () => roundRobin(Math.random)(members, []));
  expect(Math.min(...counts)).toBeGreaterThan(40);
});

test('tried ones are skipped, and the turn goes on after the one chosen instead', () => {
  const [a, b, c] = newMembers(3) as [never, never, never];
  const policy = roundRobin(() => 0);
  expect(policy([a, b, c], [a, b])).toBe(c);
  expect(policy([a, b, c], [])).toBe(a);
});

test('nothing is chosen when all were tried or there is none, and the turn stays', () => {
  const members = newMembers(2);
  const policy = roundRobin(() => 0);
  expect(policy(members, [])).toBe(members[0]);
  expect(policy(members, members)).toBeUndefined();
  expect(policy([], [])).toBeUndefined();
  expect(policy(members, [])).toBe(members[1]);
});

test('weights above 1 count as those below: each gets its part of the heaviest one', () => {
  const members = newMembers(3);
  for (const [index, weight] of [4, 2, 1].entries())
    Object.assign(members[index] ?? {}, { weight });
  const policy = roundRobin(seeded(5));
  const [first = 0, second = 0, third = 0] = countChoices(members, 7_000, () =>
    policy(members, []),
  );
  expect(first / second).toBeCloseTo(2, 0);
  expect(second / third).toBeCloseTo(2, 0);
});
