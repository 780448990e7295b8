/** The table: what it publishes and what it tells. The rules themselves are tested elsewhere. */

import fc from 'fast-check';
import { beforeEach, describe, expect, test } from 'vitest';
import type { Snapshot } from '../../../src/balancing/snapshot.ts';
import { MemberTable, type TableChange } from '../../../src/health/member-table.ts';
import type { Observation } from '../../../src/health/state/health.ts';
import type { Member } from '../../../src/members/member.ts';
import { aMember, checkSettings } from '../../support/members.ts';

const failure = { reason: 'timeout', detail: 'timed out after 700 ms' } as const;
const pass: Observation = { kind: 'check-passed' };
const fail: Observation = { kind: 'check-failed', failure, conclusive: false, startedAt: 0 };
const refused: Observation = { kind: 'check-failed', failure, conclusive: true, startedAt: 0 };
const dial: Observation = { kind: 'dial-failed', failure };

/** Of both sorts of checks, and a moment of no length. */
const twice = checkSettings({ checkRise: 2, checkFall: 2, checkFastInterval: 0 });

let m0: Member;
let m1: Member;
let m2: Member;
let changes: TableChange[];
let table: MemberTable;

beforeEach(() => {
  [m0, m1, m2] = [aMember('m0'), aMember('m1'), aMember('m2')];
  changes = [];
  table = new MemberTable([m0, m1, m2], twice, (change) => changes.push(change));
});

function see(member: Member, ...observations: Observation[]): void {
  for (const observation of observations) table.observe(member, observation, 2);
}

/** What a snapshot says, apart from it. */
function copy({ routable, all, evicted }: Snapshot) {
  return { routable: [...routable], all: [...all], evicted: [...evicted] };
}

test('at the start every member is routed to and none evicted', () => {
  expect(table.mode).toBe('starting');
  expect(copy(table.snapshot)).toEqual({
    routable: [m0, m1, m2],
    all: [m0, m1, m2],
    evicted: [],
  });
});

test('lists are in the configured order, whatever the order of events', () => {
  see(m2, pass);
  see(m0, pass);
  expect(table.snapshot.routable).toEqual([m0, m2]);
  expect(table.members).toEqual([m0, m1, m2]);
});

describe('a leader that hangs', () => {
  const hangs: Observation = { kind: 'unresponsive', failure };

  test('loses its sessions and gets none, until it answers anything', () => {
    for (const each of [m0, m1, m2]) see(each, pass);
    see(m1, hangs);
    expect(copy(table.snapshot)).toMatchObject({ routable: [m0, m2], evicted: [m1] });
    expect(m1.health.state).toBe('suspect');
    see(m1, { kind: 'answered' });
    expect(copy(table.snapshot)).toMatchObject({ routable: [m0, m2], evicted: [] });
  });

  test('also where nobody passes any more, as in an election', () => {
    for (const each of [m0, m1, m2]) see(each, pass);
    see(m1, hangs);
    for (const each of [m0, m2]) see(each, fail, fail);
    expect(table.mode).toBe('panic');
    expect(copy(table.snapshot)).toMatchObject({ routable: [m0, m2], evicted: [m1] });
  });

  test('keeps them where there is nobody else to go to', () => {
    for (const each of [m0, m1, m2]) see(each, pass, hangs);
    expect(table.snapshot.evicted.size).toBe(0);
    see(m0, pass);
    expect([...table.snapshot.evicted]).toEqual([m1, m2]);
  });
});

describe('members that come and go', () => {
  test('one that joins gets nothing before it has passed', () => {
    see(m0, pass);
    const m3 = aMember('m3');
    table.add(m3);
    expect(copy(table.snapshot)).toEqual({ routable: [m0], all: [m0, m1, m2, m3], evicted: [] });
    see(m3, pass);
    expect(table.snapshot.routable).toEqual([m0, m3]);
  });

  test('one that leaves gets nothing more, and the rest is as it was', () => {
    see(m0, pass);
    see(m1, pass);
    const health = m1.health;
    m0.leave();
    expect(copy(table.snapshot)).toEqual({ routable: [m1], all: [m1, m2], evicted: [] });
    expect(m1.health).toBe(health);
    expect([table.has(m0), table.has(m1)]).toEqual([false, true]);
    expect(() => see(m0, pass)).toThrow('m0 is not in the member table');
  });

  test('when the last healthy one leaves, the others are tried', () => {
    see(m0, pass);
    see(m1, refused);
    see(m2, refused);
    changes = [];
    m0.leave();
    expect(changes).toMatchObject([{ mode: { from: 'normal', to: 'panic' }, evict: [] }]);
    expect(table.snapshot.routable).toEqual([m1, m2]);
  });

  test('an empty table waits for its first member', () => {
    table = new MemberTable([], twice, (change) => changes.push(change));
    expect([table.mode, table.snapshot.all]).toEqual(['starting', []]);
    table.add(m0);
    expect([table.mode, table.snapshot.routable]).toEqual(['starting', [m0]]);
  });
});

test('more evidence for the same state changes neither the snapshot nor tells anybody', () => {
  see(m0, pass);
  see(m1, refused);
  const { snapshot } = table;
  changes = [];
  see(m1, fail, dial);
  expect(table.snapshot).toBe(snapshot);
  expect(changes).toEqual([]);
  expect(m1.health).toMatchObject({ evidence: { failedChecks: 2 } });
});

test('a member that is lost again and again is restored ever later', () => {
  see(m1, pass);
  const lose = (now: number): number | undefined => {
    for (const seen of [fail, fail, pass]) table.observe(m0, seen, now);
    return changes.at(-1)?.member?.hold;
  };
  const recover = (now: number): string => {
    table.observe(m0, pass, now);
    return m0.health.state;
  };
  see(m0, pass);
  expect([lose(10), recover(11)]).toEqual([0, 'healthy']);
  expect([lose(20), recover(1019), recover(1020)]).toEqual([1000, 'recovering', 'healthy']);
  expect([lose(2000), recover(3999), recover(4000)]).toEqual([2000, 'recovering', 'healthy']);
});

test('elections do not count against the members', () => {
  for (let now = 10; now < 100; now += 10) {
    for (const member of [m0, m1, m2]) table.observe(member, pass, now);
    for (const member of [m0, m1, m2]) table.observe(member, fail, now + 1);
    for (const member of [m0, m1, m2, m0, m1, m2]) table.observe(member, pass, now + 2);
    expect(table.members.map(({ health }) => health.state)).toEqual([
      'healthy',
      'healthy',
      'healthy',
    ]);
  }
});

test('a member that answers nothing is evicted once most others do, and is back when it answers', () => {
  const answered: Observation = { kind: 'answered' };
  const later: Observation = { ...fail, startedAt: 3 };
  for (const member of [m0, m1, m2]) see(member, pass);
  for (const member of [m0, m1, m2, m0, m1, m2]) table.observe(member, later, 4);
  expect(table.mode).toBe('panic');
  table.observe(m0, answered, 4);
  expect(copy(table.snapshot).evicted).toEqual([]);
  const refusal = { reason: 'unhealthy', detail: 'answered 503' } as const;
  table.observe(m2, { ...later, failure: refusal }, 4);
  expect(copy(table.snapshot)).toMatchObject({ routable: [m0, m2], evicted: [m1] });
  expect(changes.at(-1)).toMatchObject({ evict: [m1] });
  table.observe(m1, answered, 4);
  expect(copy(table.snapshot)).toMatchObject({ routable: [m0, m1, m2], evicted: [] });
  expect(changes.at(-1)).toMatchObject({ evict: [] });
});

test('a change of state is told once, with both states', () => {
  see(m0, pass, pass, fail, fail, fail);
  expect(changes.map(({ member }) => [member?.from.state, member?.to.state])).toEqual([
    ['unknown', 'healthy'],
    ['healthy', 'suspect'],
    ['suspect', 'failed'],
  ]);
  expect(changes.every(({ member }) => member?.member === m0)).toBe(true);
});

test('the snapshot, the mode and the health are the new ones when the change is told', () => {
  const seen: unknown[] = [];
  table = new MemberTable(
    [m0, m1],
    checkSettings({ checkFastInterval: 0 }),
    ({ member, mode, evict }) => {
      if (member !== undefined) expect(member.member.health).toBe(member.to);
      if (mode !== undefined) expect(table.mode).toBe(mode.to);
      expect(evict).toEqual([...table.snapshot.evicted]);
      seen.push(copy(table.snapshot).routable.map(({ name }) => name));
    },
  );
  see(m0, pass);
  see(m1, fail);
  see(m0, fail);
  expect(seen).toEqual([['m0'], ['m0'], ['m0', 'm1']]);
});

test('a change of mode is told with the change that brought it, and only then', () => {
  see(m0, pass);
  see(m0, dial);
  see(m1, fail);
  see(m2, fail);
  see(m2, pass, pass);
  expect(changes.map(({ member, mode }) => [member?.to.state, mode])).toEqual([
    ['healthy', { from: 'starting', to: 'normal' }],
    ['suspect', { from: 'normal', to: 'starting' }], // m1 and m2 have not been checked
    ['suspect', undefined],
    ['suspect', { from: 'starting', to: 'panic' }],
    ['recovering', undefined],
    ['healthy', { from: 'panic', to: 'normal' }],
  ]);
});

test('when one member recovers, those still failed are named in that very change', () => {
  for (const member of [m0, m1, m2]) see(member, refused);
  expect(changes.flatMap((change) => change.evict)).toEqual([]);
  see(m1, pass, pass);
  expect(changes.at(-1)?.evict).toEqual([m0, m2]);
  expect(copy(table.snapshot).evicted).toEqual([m0, m2]);
});

/** At a time of its own, in ms. */
function seeAt(now: number, member: Member, observation: Observation): void {
  table.observe(member, observation, now);
}

describe('eviction waits until another corroborates it', () => {
  const failAt = (startedAt: number): Observation => ({ ...fail, startedAt }) as Observation;

  beforeEach(() => {
    const rules = checkSettings({ checkRise: 2, checkFall: 2, checkFastInterval: 250 });
    table = new MemberTable([m0, m1, m2], rules, (change) => changes.push(change));
    for (const member of [m0, m1, m2]) seeAt(0, member, pass);
  });

  test('a member that fails alone leaves once another has passed twice since', () => {
    seeAt(2700, m1, failAt(2000));
    seeAt(2705, m2, pass);
    expect(changes.at(-1)?.corroborated).toEqual([m1]);
    seeAt(2950, m1, failAt(2250));
    expect(changes.at(-1)?.evict).toEqual([]);
    expect(table.isUndecided).toBe(true);
    seeAt(2955, m2, pass);
    expect(changes.at(-1)?.evict).toEqual([m1]);
    expect(table.isUndecided).toBe(false);
  });

  test('another that passed while the check was under way corroborates it', () => {
    seeAt(1005, m2, pass);
    seeAt(1250, m1, { ...failAt(1000), conclusive: true } as Observation);
    expect(changes.at(-1)?.evict).toEqual([]);
    seeAt(1255, m2, pass);
    expect(changes.at(-1)?.evict).toEqual([m1]);
  });

  test('a member that has not been asked since corroborates nothing', () => {
    seeAt(2700, m1, failAt(2000));
    seeAt(2950, m1, failAt(2250));
    expect(m1.health.state).toBe('failed');
    expect(table.mode).toBe('normal');
    expect(changes.flatMap(({ evict }) => evict)).toEqual([]);
  });

  test('after an election only the one that is still unresponsive leaves', () => {
    for (const now of [1000, 1250]) {
      for (const member of [m0, m1, m2]) seeAt(now, member, failAt(now - 700));
    }
    expect(table.mode).toBe('panic');
    seeAt(1500, m2, pass);
    expect(changes.at(-1)?.corroborated).toEqual([m0, m1]);
    seeAt(1510, m1, pass); // asked at once, because of that
    seeAt(1750, m2, pass);
    expect(changes.at(-1)?.evict).toEqual([m0]);
  });

  test('what has corroborated an earlier failure does not count for the next', () => {
    seeAt(1000, m1, failAt(300));
    seeAt(1005, m2, pass);
    seeAt(1100, m1, pass);
    seeAt(1350, m1, pass);
    for (const now of [3000, 3250]) seeAt(now, m1, failAt(now - 700));
    seeAt(3255, m2, pass);
    expect(changes.flatMap(({ evict }) => evict)).toEqual([]);
  });
});

test('a member is evicted exactly when others have passed since its failure began, a moment apart', () => {
  const moment = 225;
  const interval = 500;
  const settings = checkSettings({
    ...{ checkRise: 2, checkFall: 2, checkInterval: interval, checkFastInterval: 250 },
  });
  const step = fc.record({
    who: fc.nat(2),
    wait: fc.integer({ min: 1, max: 200 }),
    what: fc.constantFrom<'pass' | 'fail' | 'refused' | 'dial'>(
      'pass',
      'pass',
      'fail',
      'refused',
      'dial',
    ),
    duration: fc.nat(700),
  });
  let evictions = 0;
  fc.assert(
    fc.property(fc.array(step, { maxLength: 60, size: 'max' }), (steps) => {
      const members = [aMember('a'), aMember('b'), aMember('c')];
      const all = new Map(members.map((member) => [member, [] as number[]]));
      const one = new MemberTable(members, settings, () => {});
      let now = 1_000;
      for (const { who, wait, what, duration } of steps) {
        const member = members[who] as Member;
        now += wait;
        const failed = what === 'refused' ? refused : fail;
        const startedAt = now - duration;
        if (what === 'pass') all.get(member)?.push(now);
        if (what === 'pass') one.observe(member, pass, now);
        else if (what === 'dial') one.observe(member, dial, now);
        else one.observe(member, { ...failed, startedAt } as Observation, now);
        if (one.mode !== 'normal') continue;
        const lastPass = Math.max(
          ...one.snapshot.routable.map((each) => all.get(each)?.at(-1) ?? 0),
        );
        for (const each of members) {
          const { health } = each;
          const others = members.filter((other) => other !== each);
          const isDue =
            health.state === 'failed' &&
            others.some((other) =>
              all.get(other)?.some((at) => at >= health.evidence.since && at + moment <= lastPass),
            );
          const isEvicted = one.snapshot.evicted.has(each);
          if (isEvicted) expect(isDue).toBe(true);
          // Who serves has been checked within the interval.
          if (lastPass >= now - interval) expect(isEvicted).toBe(isDue);
          if (isEvicted) evictions += 1;
        }
      }
    }),
    { numRuns: 500 },
  );
  expect(evictions).toBeGreaterThan(100);
});

test('a published snapshot never changes afterwards', () => {
  const anyObservation = fc.tuple(fc.nat(2), fc.constantFrom(pass, fail, refused, dial));
  fc.assert(
    fc.property(fc.array(anyObservation, { maxLength: 30 }), (history) => {
      const published = new Map<Snapshot, ReturnType<typeof copy>>();
      const members = [m0, m1, m2];
      table = new MemberTable(members, twice, () => {});
      for (const [who, observation] of history) {
        published.set(table.snapshot, copy(table.snapshot));
        see(members[who] ?? m0, observation);
      }
      for (const [snapshot, then] of published) expect(copy(snapshot)).toEqual(then);
    }),
  );
});

test('the load stays out of it: members keep their identity', () => {
  see(m0, pass);
  m0.load = 7;
  expect(table.snapshot.routable[0]).toBe(m0);
});

test('a stranger is an error', () => {
  expect(() => table.drain(aMember('m0'), true)).toThrow('m0 is not in the member table');
  expect(() => see(aMember('m9'), pass)).toThrow('m9 is not in the member table');
});

describe('ineligibility', () => {
  const learner = { reason: 'learner', detail: 'it is a learner', isExcluded: true } as const;

  test('takes a member out at once, and is told once', () => {
    see(m0, pass);
    see(m1, pass);
    changes = [];
    table.setEligibility(m1, learner);
    table.setEligibility(m1, { ...learner, detail: 'still' });
    expect(copy(table.snapshot)).toEqual({ routable: [m0], all: [m0, m2], evicted: [m1] });
    expect(changes).toEqual([
      { eligibility: { member: m1, ineligibility: learner }, evict: [m1], corroborated: [] },
    ]);
    expect(m1.ineligibility?.detail).toBe('still');
  });

  test('outlives what checks say, and ends when it is taken back', () => {
    see(m0, pass);
    table.setEligibility(m1, learner);
    see(m1, pass, fail, pass, pass);
    expect(table.snapshot.routable).toEqual([m0]);
    table.setEligibility(m1, undefined);
    expect(copy(table.snapshot)).toEqual({ routable: [m0, m1], all: [m0, m1, m2], evicted: [] });
    expect(changes.at(-1)?.eligibility).toEqual({ member: m1, ineligibility: undefined });
  });
});

describe('priorities', () => {
  beforeEach(() => {
    m1.priority = 1;
    m2.priority = 1;
    table = new MemberTable(
      [m0, m1, m2],
      checkSettings({ checkFall: 2, checkFastInterval: 0 }),
      () => {},
    );
  });

  test('the lowest class with a member that serves gets the connections', () => {
    see(m1, pass);
    see(m2, pass);
    expect(table.snapshot.routable).toEqual([m1, m2]);
    see(m0, pass);
    expect(copy(table.snapshot)).toMatchObject({ routable: [m0], all: [m0, m1, m2] });
    see(m0, fail);
    expect(table.snapshot.routable).toEqual([m1, m2]);
    see(m0, pass);
    expect(table.snapshot.routable).toEqual([m0]);
  });

  test('count for nothing while nobody serves', () => {
    for (const member of [m0, m1, m2]) see(member, fail, fail);
    expect(table.snapshot.routable).toEqual([m0, m1, m2]);
  });
});

describe('drained members', () => {
  test('get nothing new, also when all others fail, and keep what they have', () => {
    for (const each of [m0, m1, m2]) see(each, pass);
    table.drain(m1, true);
    expect(copy(table.snapshot)).toEqual({ routable: [m0, m2], all: [m0, m2], evicted: [] });
    see(m0, fail, fail);
    see(m2, fail, fail);
    expect(table.mode).toBe('panic');
    expect(copy(table.snapshot)).toEqual({ routable: [m0, m2], all: [m0, m2], evicted: [] });
    table.drain(m1, false);
    expect(table.mode).toBe('normal');
    expect(table.snapshot.routable).toEqual([m1]);
  });

  test('are told of once, and evicted when they fail like any other', () => {
    for (const each of [m0, m1, m2]) see(each, pass);
    table.drain(m1, true);
    const told = changes.length;
    table.drain(m1, true);
    expect(changes).toHaveLength(told);
    see(m1, refused);
    see(m0, pass, pass);
    expect([...table.snapshot.evicted]).toEqual([m1]);
  });

  test('are never in a snapshot, whatever is seen of whom', () => {
    const step = fc.record({
      who: fc.nat(2),
      what: fc.constantFrom<Observation | 'drain' | 'undrain'>(
        ...[pass, fail, refused, dial],
        'drain',
        'undrain',
      ),
    });
    fc.assert(
      fc.property(fc.array(step, { maxLength: 40 }), (steps) => {
        const all = [aMember('a'), aMember('b'), aMember('c')];
        const one = new MemberTable(all, twice, () => {});
        const drained = new Set<Member>();
        for (const { who, what } of steps) {
          const member = all[who] as Member;
          if (what === 'drain') drained.add(member);
          if (what === 'undrain') drained.delete(member);
          if (typeof what === 'string') one.drain(member, what === 'drain');
          else one.observe(member, what, 2);
          const { routable, all: tried } = one.snapshot;
          for (const each of drained) {
            expect(routable).not.toContain(each);
            expect(tried).not.toContain(each);
          }
        }
      }),
    );
  });
});
