import { expect, test } from 'vitest';
import { random } from '../../../../src/balancing/policies/random.ts';
import { countChoices, newMembers, seeded } from '../members.ts';

test('all are reached about equally often', () => {
  const members = newMembers(5);
  const policy = random(seeded(7));
  for (const count of countChoices(members, 10_000, () => policy(members, []))) {
    expect(count).toBeGreaterThan(1800); // 2000 expected, 5 standard deviations are 200
    expect(count).toBeLessThan(2200);
  }
});

test('the load does not matter', () => {
  const members = newMembers(2);
  for (const member of members.slice(0, 1)) member.load = 1_000_000;
  const policy = random(seeded(7));
  expect(Math.min(...countChoices(members, 1000, () => policy(members, [])))).toBeGreaterThan(400);
});

test('tried ones are skipped, and the others reached about equally often', () => {
  const members = newMembers(4);
  const policy = random(seeded(7));
  const tried = members.slice(1, 2);
  const [first, skipped, ...others] = countChoices(members, 6000, () => policy(members, tried));
  expect(skipped).toBe(0);
  for (const count of [first, ...others]) {
    expect(count).toBeGreaterThan(1800);
    expect(count).toBeLessThan(2200);
  }
});

test('nothing is chosen when all were tried or there is none', () => {
  const members = newMembers(3);
  const policy = random(seeded(7));
  expect(policy(members, members)).toBeUndefined();
  expect(policy([], [])).toBeUndefined();
});
