/** The plan, played out: whatever the start, it comes to rest, even, and within its limits. */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { type MemberShare, planMove } from '../../../src/balancing/rebalance.ts';

const unlimited = { spread: 2, perMinute: 1 };

function shares(...sessions: number[]): MemberShare[] {
  return sessions.map((each) => ({ healthy: true, sessions: each, weight: 1, moved: 0 }));
}

const anyCounts = fc.array(fc.nat({ max: 500 }), { minLength: 2, maxLength: 9 });

/** Every moved client comes back to the emptiest member, as under least connections. */
function play(
  counts: readonly number[],
  rules: { spread: number; perMinute: number },
): { counts: number[]; moved: number[]; steps: number } {
  const now = [...counts];
  const moved = now.map(() => 0);
  for (let steps = 0; ; steps += 1) {
    const members = now.map((sessions, index) => ({
      healthy: true,
      sessions,
      weight: 1,
      moved: moved[index] ?? 0,
    }));
    const move = planMove(members, 0, rules);
    if (move === undefined || steps > 10_000) return { counts: now, moved, steps };
    now[move.from] = (now[move.from] ?? 0) - move.count;
    moved[move.from] = (moved[move.from] ?? 0) + move.count;
    for (let each = 0; each < move.count; each += 1) {
      const emptiest = now.indexOf(Math.min(...now));
      now[emptiest] = (now[emptiest] ?? 0) + 1;
    }
  }
}

describe('played to its end', () => {
  test('it comes to rest with no two members further apart than the bound', () => {
    fc.assert(
      fc.property(anyCounts, fc.integer({ min: 1, max: 9 }), (counts, spread) => {
        const { counts: after, steps } = play(counts, { spread, perMinute: 1 });
        expect(steps).toBeLessThan(10_000);
        expect(Math.max(...after) - Math.min(...after)).toBeLessThanOrEqual(spread);
      }),
    );
  });

  test('it takes from no member more than it has too many, but for the bound', () => {
    fc.assert(
      fc.property(anyCounts, (counts) => {
        const even = counts.reduce((sum, each) => sum + each, 0) / counts.length;
        const { moved } = play(counts, unlimited);
        for (const [index, each] of moved.entries()) {
          expect(each).toBeLessThanOrEqual(Math.max(0, (counts[index] ?? 0) - even) + 1);
        }
      }),
    );
  });

  test('it takes from no member more than its share a minute', () => {
    fc.assert(
      fc.property(anyCounts, fc.nat(100), (counts, percent) => {
        const perMinute = percent / 100;
        const { moved } = play(counts, { spread: 1, perMinute });
        for (const [index, each] of moved.entries()) {
          expect(each).toBeLessThanOrEqual(perMinute * (counts[index] ?? 0));
        }
      }),
    );
  });
});

test('nothing is moved while a member is not healthy', () => {
  fc.assert(
    fc.property(anyCounts, fc.nat(), (counts, which) => {
      const members = shares(...counts);
      const sick = which % members.length;
      const some = members.map((each, index) => ({ ...each, healthy: index !== sick }));
      expect(planMove(some, 0, unlimited)).toBeUndefined();
    }),
  );
});

test('clients on their way back are expected at the emptiest member', () => {
  expect(planMove(shares(30, 33, 0), 0, unlimited)).toEqual({ from: 1, count: 1 });
  expect(planMove(shares(22, 22, 0), 22, unlimited)).toBeUndefined();
  expect(planMove(shares(22, 22, 0), 18, unlimited)).toBeDefined();
});

test('a member that starts slowly is given what is its due by then, and no more', () => {
  const members = shares(33, 33, 0).map((each, index) => ({
    ...each,
    weight: index === 2 ? 0.1 : 1,
  }));
  expect(planMove(members, 0, unlimited)).toBeDefined();
  const fed = members.map((each, index) => ({ ...each, sessions: index === 2 ? 3 : 31 }));
  expect(planMove(fed, 0, unlimited)).toBeUndefined();
});

test('a large excess is moved several at a time', () => {
  expect(planMove(shares(1000, 1000, 0), 0, unlimited)?.count).toBe(6);
});

test('one member, or none, has nothing to balance', () => {
  expect(planMove(shares(50), 0, unlimited)).toBeUndefined();
  expect(planMove([], 0, unlimited)).toBeUndefined();
});
