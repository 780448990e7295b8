import fc from 'fast-check';
import { expect, test } from 'vitest';
import { leastConnections } from '../../../../src/balancing/policies/least-connections.ts';
import { countChoices, membersWith, newMembers, seeded } from '../members.ts';

test('under arrivals only, the loads never differ by more than one', () => {
  fc.assert(
    fc.property(
      fc.integer({ min: 1, max: 9 }),
      fc.nat(100),
      fc.integer(),
      (count, arrivals, seed) => {
        const members = newMembers(count);
        const policy = leastConnections(seeded(seed));
        for (let n = 0; n < arrivals; n += 1) {
          const chosen = policy(members, []);
          if (chosen !== undefined) chosen.load += 1;
          const loads = members.map((member) => member.load);
          expect(Math.max(...loads) - Math.min(...loads)).toBeLessThanOrEqual(1);
        }
        expect(members.reduce((sum, member) => sum + member.load, 0)).toBe(arrivals);
      },
    ),
  );
});

test('what is chosen has the least load of those not tried; nothing is chosen when all were', () => {
  const anyMembers = fc.array(fc.tuple(fc.nat(3), fc.boolean()), { maxLength: 9 });
  fc.assert(
    fc.property(anyMembers, fc.integer(), (drawn, seed) => {
      const members = membersWith(...drawn.map(([load]) => load));
      const tried = members.filter((_, index) => drawn[index]?.[1]);
      const open = members.filter((member) => !tried.includes(member));
      const chosen = leastConnections(seeded(seed))(members, tried);
      if (open.length === 0) {
        expect(chosen).toBeUndefined();
      } else {
        expect(open).toContain(chosen);
        expect(chosen?.load).toBe(Math.min(...open.map((member) => member.load)));
      }
    }),
  );
});

test('ties are spread evenly, wherever in the list they stand', () => {
  const members = membersWith(5, 1, 7, 1, 1, 2, 1);
  const policy = leastConnections(seeded(1));
  const counts = countChoices(members, 8000, () => policy(members, []));
  expect([counts[0], counts[2], counts[5]]).toEqual([0, 0, 0]);
  for (const index of [1, 3, 4, 6]) {
    expect(counts[index]).toBeGreaterThan(1800); // 2000 expected, 5 standard deviations are 194
    expect(counts[index]).toBeLessThan(2200);
  }
});
