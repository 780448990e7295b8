/** The hold as a state machine: each arrow of its picture, and what holds for any sequence of events. */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  type Held,
  type HoldEnd,
  type HoldEvent,
  type HoldRules,
  type HoldState,
  type Leader,
  mustLeave,
  nextHold,
  unled,
} from '../../../src/leader/hold.ts';

const rules: HoldRules = { limit: 4_000, patience: 75 };
const m1: Leader = { memberId: 'a1', term: 2 };
const next: Leader = { memberId: 'a2', term: 3 };

interface Timed {
  readonly at: number;
  readonly event: HoldEvent;
}

/** Takes the events in; returns the last state, and how each hold ended. */
function run(events: readonly Timed[], given: HoldRules = rules, from: HoldState = unled) {
  let state = from;
  const ends: HoldEnd[] = [];
  for (const { at, event } of events) {
    const step = nextHold(Object.freeze(state), event, given, at);
    state = step.state;
    if (step.end !== undefined) ends.push(step.end);
  }
  return { state, ends };
}

const seen = (at: number, leader = m1): Timed => ({
  at,
  event: { kind: 'leader-seen', leader, askedAt: at },
});
const other = (at: number): Timed => ({ at, event: { kind: 'other-answered', askedAt: at } });
const cut = (at: number): Timed => ({ at, event: { kind: 'leader-cut' } });
const read = (at: number, askedAt = at): Timed => ({
  at,
  event: { kind: 'read-succeeded', askedAt },
});
const passed = (at: number, waitingSince?: number): Timed => ({
  at,
  event: { kind: 'time-passed', waitingSince },
});
const moved = (at: number): Timed => ({ at, event: { kind: 'move-asked' } });
const off = (at: number): Timed => ({ at, event: { kind: 'called-off' } });

describe('a hold begins', () => {
  test.each<[string, Timed[], Held['cause']]>([
    ['when the leader cuts a connection', [seen(0), cut(10)], 'gone'],
    [
      'when it leaves a question unanswered that others answer',
      [seen(0), other(50), passed(120, 45)],
      'unresponsive',
    ],
    ['when an operator moves it', [seen(0), moved(10)], 'planned'],
  ])('%s', (_, events, cause) => {
    expect(run(events).state).toMatchObject({ kind: 'held', cause, leader: m1 });
  });

  test.each<[string, Timed[]]>([
    ['while nobody is known to lead', [cut(10), passed(500, 0), moved(600)]],
    ['while the answer may still come', [seen(0), other(50), passed(119, 45)]],
    ['where nobody else answers either', [seen(0), other(40), passed(5_000, 45)]],
    ['while nothing is asked', [seen(0), other(50), passed(5_000)]],
    [
      'where a read has succeeded that was begun after the question',
      [seen(0), other(50), read(60), passed(134, 45)],
    ],
    [
      'where this process was kept from running',
      [
        seen(0),
        other(50),
        { at: 500, event: { kind: 'stalled', late: 450 } },
        passed(501, 45),
        passed(524, 45),
      ],
    ],
  ])('not %s', (_, events) => {
    expect(run(events).state.kind).not.toBe('held');
  });

  test('not when it is off', () => {
    const events = [seen(0), cut(10), other(50), passed(500, 45), moved(600)];
    expect(run(events, { ...rules, limit: 0 }).state.kind).toBe('led');
  });

  test('once for a leader that goes on to refuse, until it has answered again', () => {
    const refusing = run([seen(0), cut(10), read(20), cut(30), cut(40)]);
    expect(refusing).toMatchObject({ state: { kind: 'led', answers: false }, ends: ['confirmed'] });
    const answered: Timed = { at: 50, event: { kind: 'leader-answered', askedAt: 45 } };
    expect(run([answered, cut(60)], rules, refusing.state).state.kind).toBe('held');
  });
});

describe('a hold ends', () => {
  test.each<[string, Timed[], HoldEnd]>([
    ['when a read succeeds that was begun in it', [seen(0), cut(10), read(30, 11)], 'confirmed'],
    ['when another leads', [seen(0), cut(10), seen(1_000, next)], 'elected'],
    [
      'when the same leads in a later term',
      [seen(0), cut(10), seen(900, { ...m1, term: 3 })],
      'elected',
    ],
    ['when its time is over', [seen(0), cut(10), passed(4_010)], 'expired'],
    ['when the move is refused', [seen(0), moved(10), off(20)], 'cancelled'],
    ['when another leads after a move', [seen(0), moved(10), seen(20, next)], 'elected'],
    ['when the leader is no member any more', [seen(0), cut(10), off(20)], 'cancelled'],
  ])('%s', (_, events, end) => {
    const { state, ends } = run(events);
    expect(ends).toEqual([end]);
    expect(state.kind).not.toBe('held');
  });

  test.each<[string, Timed[]]>([
    ['by a read that was begun before it', [seen(0), cut(10), read(30, 9)]],
    ['by a member that leads in the same term', [seen(0), cut(10), seen(20, { ...next, term: 2 })]],
    [
      'by the leader that answers again',
      [seen(0), cut(10), { at: 20, event: { kind: 'leader-answered', askedAt: 11 } }],
    ],
    ['by a read, where the leader is to be moved', [seen(0), moved(10), read(20)]],
  ])('not %s', (_, events) => {
    expect(run(events).state.kind).toBe('held');
  });

  test('when it is turned off', () => {
    const held = run([seen(0), cut(10)]).state;
    expect(nextHold(held, passed(20).event, { ...rules, limit: 0 }, 20).end).toBe('cancelled');
  });
});

test('the sessions of a leader leave that hangs, and of no other', () => {
  const hung = run([seen(0), other(50), passed(200, 45)]).state;
  expect(mustLeave(hung, rules, 299)).toBe(false);
  expect(mustLeave(hung, rules, 300)).toBe(true);
  expect(mustLeave(hung, { patience: 200 }, 399)).toBe(false);
  const back = nextHold(hung, { kind: 'leader-answered', askedAt: 45 }, rules, 210).state;
  expect(mustLeave(back, rules, 1_000)).toBe(false);
  expect(mustLeave(run([seen(0), cut(10)]).state, rules, 3_000)).toBe(false);
  expect(mustLeave(run([seen(0), moved(10)]).state, rules, 3_000)).toBe(false);
});

/** Any events, at times that only grow, and what they name is never later than now. */
const anyLife = fc
  .array(
    fc.record({
      wait: fc.integer({ min: 0, max: 900 }),
      kind: fc.constantFrom<HoldEvent['kind']>(
        ...([
          'leader-seen',
          'leader-seen',
          'leader-answered',
          'leader-cut',
          'other-answered',
        ] as const),
        ...([
          'read-succeeded',
          'move-asked',
          'stalled',
          'called-off',
          'time-passed',
          'time-passed',
        ] as const),
      ),
      ago: fc.integer({ min: 0, max: 600 }),
      member: fc.constantFrom('a1', 'a2', 'a3'),
      term: fc.integer({ min: 1, max: 6 }),
    }),
    { maxLength: 60 },
  )
  .map((steps) => {
    let at = 0;
    return steps.map(({ wait, kind, ago, member, term }): Timed => {
      at += wait;
      const askedAt = Math.max(0, at - ago);
      switch (kind) {
        case 'leader-seen':
          return { at, event: { kind, leader: { memberId: member, term }, askedAt } };
        case 'leader-answered':
        case 'other-answered':
        case 'read-succeeded':
          return { at, event: { kind, askedAt } };
        case 'stalled':
          return { at, event: { kind, late: ago } };
        case 'time-passed':
          return { at, event: { kind, waitingSince: askedAt } };
        default:
          return { at, event: { kind } };
      }
    });
  });
const anyRules = fc.record({
  limit: fc.constantFrom(0, 500, 4_000),
  patience: fc.integer({ min: 75, max: 200 }),
});

interface Step {
  readonly at: number;
  readonly event: HoldEvent;
  readonly before: HoldState;
  readonly after: HoldState;
  readonly end: HoldEnd | undefined;
}

function stepsOf(life: readonly Timed[], given: HoldRules): Step[] {
  let before: HoldState = unled;
  return life.map(({ at, event }) => {
    const { state: after, end } = nextHold(Object.freeze(before), event, given, at);
    const step = { at, event, before, after, end };
    before = after;
    return step;
  });
}

describe('whatever happens', () => {
  test('no hold lasts longer than its limit: any event after that ends it', () => {
    fc.assert(
      fc.property(anyLife, anyRules, (life, given) => {
        for (const { at, after } of stepsOf(life, given)) {
          if (after.kind === 'held') expect(at - after.since).toBeLessThan(given.limit);
        }
      }),
    );
  });

  test('every hold ends, at the latest with the clock', () => {
    fc.assert(
      fc.property(anyLife, anyRules, (life, given) => {
        const last = stepsOf(life, given).at(-1);
        if (last?.after.kind !== 'held') return;
        const tick: HoldEvent = { kind: 'time-passed', waitingSince: undefined };
        const { state, end } = nextHold(last.after, tick, given, last.after.until);
        expect(state.kind).toBe('unled');
        expect(end).toBe('expired');
      }),
    );
  });

  test('no hold begins without a leader seen since the last that ended by the clock', () => {
    fc.assert(
      fc.property(anyLife, anyRules, (life, given) => {
        let isSeen = false;
        for (const { event, before, after, end } of stepsOf(life, given)) {
          if (end === 'expired' || end === 'cancelled')
            isSeen = before.kind === 'held' && after.kind === 'led';
          else if (event.kind === 'leader-seen') isSeen = true;
          else if (event.kind === 'called-off') isSeen = after.kind !== 'unled';
          if (before.kind !== 'held' && after.kind === 'held') expect(isSeen).toBe(true);
        }
      }),
    );
  });

  test('an end is told exactly when a hold is over, and none goes over into another', () => {
    fc.assert(
      fc.property(anyLife, anyRules, (life, given) => {
        for (const { before, after, end } of stepsOf(life, given)) {
          expect(end !== undefined).toBe(before.kind === 'held' && after.kind !== 'held');
          if (before.kind === 'held' && after.kind === 'held')
            expect(after.since).toBe(before.since);
        }
      }),
    );
  });

  test('a leader is only held for where it has cut, left unanswered, or is to be moved', () => {
    fc.assert(
      fc.property(anyLife, anyRules, (life, given) => {
        for (const { at, event, before, after } of stepsOf(life, given)) {
          if (after.kind !== 'held' || before.kind === 'held') continue;
          expect(given.limit).toBeGreaterThan(0);
          if (after.cause === 'gone') expect(event.kind).toBe('leader-cut');
          if (after.cause === 'planned') expect(event.kind).toBe('move-asked');
          if (after.cause !== 'unresponsive') continue;
          const { waitingSince = at } = event as { waitingSince?: number };
          expect(at - waitingSince).toBeGreaterThanOrEqual(given.patience);
        }
      }),
    );
  });
});
