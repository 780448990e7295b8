import fc from 'fast-check';
import { expect, test } from 'vitest';
import { nearest } from '../../../../src/balancing/policies/nearest.ts';
import { countChoices, membersWith, seeded } from '../members.ts';

const anyLatency = fc.option(fc.double({ min: 0, max: 100, noNaN: true }), { nil: undefined });

function at(...latencies: (number | undefined)[]) {
  const members = membersWith(...latencies.map(() => 0));
  members.forEach((member, index) => {
    const latency = latencies[index];
    if (latency !== undefined) member.latency = latency;
  });
  return members;
}

test('nobody is chosen while another is much nearer', () => {
  fc.assert(
    fc.property(fc.array(anyLatency, { minLength: 1, maxLength: 9 }), fc.nat(), (all, seed) => {
      const members = at(...all);
      const tried = members.slice(0, seed % members.length);
      const chosen = nearest(seeded(seed))(members, tried);
      expect(members).toContain(chosen);
      expect(tried).not.toContain(chosen);
      for (const { latency } of members.filter((each) => !tried.includes(each))) {
        if (latency === undefined) continue;
        expect(chosen?.latency).toBeLessThanOrEqual(latency + Math.max(latency / 2, 0.5));
      }
    }),
  );
});

test('those that are about as near share the connections', () => {
  const members = at(0.2, 0.6, 5, undefined);
  const policy = nearest(seeded(1));
  const counts = countChoices(members, 100, () => {
    const chosen = policy(members, []);
    if (chosen !== undefined) chosen.load += 1;
    return chosen;
  });
  expect(counts).toEqual([50, 50, 0, 0]);
});

test('the next nearest is tried when the nearest was, and last those that nobody knows', () => {
  const members = at(undefined, 3, 0.1);
  const policy = nearest(() => 0);
  const [unknown, far, near] = members;
  expect(policy(members, [])).toBe(near);
  expect(policy(members, [near as never])).toBe(far);
  expect(policy(members, [near as never, far as never])).toBe(unknown);
});
