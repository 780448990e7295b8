import { expect, test } from 'vitest';
import { createPolicy } from '../../../../src/balancing/policies/policies.ts';
import { policies } from '../../../../src/config/settings.ts';
import { membersWith, newMembers } from '../members.ts';

test.each(policies)('the setting %s makes a policy that reaches every member once', (name) => {
  const members = newMembers(4);
  const policy = createPolicy(name);
  const tried: typeof members = [];
  for (let chosen = policy(members, tried); chosen; chosen = policy(members, tried)) {
    tried.push(chosen);
  }
  expect(new Set(tried)).toEqual(new Set(members));
  expect(tried).toHaveLength(4);
});

test('each name makes the policy that it names', () => {
  const half = () => 0.5;
  const members = membersWith(3, 0, 5, 0.5);
  expect(createPolicy('least-connections', half)(members, [])?.name).toBe('m1');
  const busy = membersWith(1, 3, 2).map((each, index) =>
    Object.assign(each, { calls: index === 0 ? 1 : 0 }),
  );
  expect(createPolicy('least-calls', half)(busy, [])?.name).toBe('m2');
  const inTurn = createPolicy('round-robin', half);
  expect([inTurn(members, [])?.name, inTurn(members, [])?.name]).toEqual(['m2', 'm3']);
  expect(createPolicy('random', () => 0)(members, [])?.name).toBe('m3');
});

test('every policy keeps its own turn', () => {
  const members = newMembers(3);
  const [first, second] = [
    createPolicy('round-robin', () => 0),
    createPolicy('round-robin', () => 0),
  ];
  first(members, []);
  expect(second(members, [])).toBe(members[0]);
});

test.each(policies)('%s changes neither its arguments nor the load', (name) => {
  const members = newMembers(3);
  for (const each of [members, ...members]) Object.freeze(each);
  const policy = createPolicy(name);
  const tried = Object.freeze(members.slice(0, 1));
  for (let n = 0; n < 10; n += 1) expect(members.slice(1)).toContain(policy(members, tried));
});
