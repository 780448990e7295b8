import fc from 'fast-check';
import { expect, test } from 'vitest';
import { leastConnections } from '../../../src/balancing/policies/least-connections.ts';
import { SlowStart, slowStartWeight } from '../../../src/balancing/slow-start.ts';
import { LiveSettings } from '../../../src/config/live-settings.ts';
import { newMembers, seeded } from './members.ts';

const duration = new LiveSettings({ slowStart: 1_000 });

test('a weight never falls, is never 0 and ends at 1', () => {
  fc.assert(
    fc.property(fc.nat(60_000), fc.nat(60_000), fc.nat(60_000), (a, b, duration) => {
      const [early, late] = [Math.min(a, b), Math.max(a, b)];
      const weight = slowStartWeight(early, duration);
      expect(weight).toBeGreaterThan(0);
      expect(slowStartWeight(late, duration)).toBeGreaterThanOrEqual(weight);
      expect(slowStartWeight(duration, duration)).toBe(1);
    }),
  );
});

test('only the member that came back starts slowly, from its first moment on', () => {
  const [m0, m1] = newMembers(2);
  if (m0 === undefined || m1 === undefined) throw new Error('no members');
  const slow = new SlowStart(() => [m0, m1], duration);
  slow.begin(m1, 5000);
  expect([m0.weight, m1.weight]).toEqual([1, 0.1]);
  slow.tick(5500);
  expect([m0.weight, m1.weight]).toEqual([1, 0.5]);
  expect(slow.underWay).toEqual([m1]);
  slow.tick(6000);
  expect([m0.weight, m1.weight]).toEqual([1, 1]);
  expect(slow.underWay).toEqual([]);
});

test('under least connections a member of half the weight gets half as many', () => {
  const all = newMembers(3);
  const [, , slow] = all;
  if (slow === undefined) throw new Error('no members');
  slow.weight = 0.5;
  const policy = leastConnections(seeded(7));
  for (let each = 0; each < 250; each += 1) {
    const chosen = policy(all, []);
    if (chosen !== undefined) chosen.load += 1;
  }
  expect(all.map(({ load }) => load)).toEqual([100, 100, 50]);
});

test('a member with a weight of its own comes back to that', () => {
  const [member] = newMembers(1).map((each) => Object.assign(each, { share: 4, weight: 4 }));
  if (member === undefined) throw new Error('no member');
  const slow = new SlowStart(() => [member], duration);
  slow.begin(member, 0);
  slow.tick(500);
  expect(member.weight).toBe(2);
  slow.tick(1000);
  expect(member.weight).toBe(4);
});
