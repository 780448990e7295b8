/** What the members' health means together, over whatever may be seen of any number of members. */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  isCorroborated,
  type RoutedMember,
  type RoutingMode,
  route as routing,
} from '../../../src/health/routing.ts';
import { type CheckTimes, noCheckTimes } from '../../../src/health/state/check-times.ts';
import {
  acceptsNew,
  type Health,
  nextHealth,
  type Observation,
  unknownHealth,
} from '../../../src/health/state/health.ts';

const failure = { reason: 'refused', detail: 'connect ECONNREFUSED' } as const;
const pass: Observation = { kind: 'check-passed' };
const fail: Observation = { kind: 'check-failed', failure, conclusive: false, startedAt: 0 };
const refused: Observation = { kind: 'check-failed', failure, conclusive: true, startedAt: 0 };
const dial: Observation = { kind: 'dial-failed', failure };

const anyRules = fc.record({
  rise: fc.integer({ min: 1, max: 3 }),
  fall: fc.integer({ min: 1, max: 3 }),
  hold: fc.constant(0),
});

/** A cluster and what is seen of it; whole rounds are there so that all often fail together. */
const anyCluster = fc.integer({ min: 1, max: 5 }).chain((size) => {
  const seen = fc.constantFrom(pass, pass, fail, refused, dial);
  const one = fc.tuple(fc.nat(size - 1), seen).map((each) => [each]);
  const round = seen.map((what) => Array.from({ length: size }, (_, who) => [who, what] as const));
  const history = fc.array(fc.oneof(one, one, one, round), { maxLength: 30 });
  return fc.record({ size: fc.constant(size), history: history.map((rounds) => rounds.flat()) });
});

/** Where connections go, and who must leave, in the order of the members. */
interface Routing {
  readonly mode: RoutingMode;
  readonly routable: readonly boolean[];
  readonly evict: readonly boolean[];
}

function route(members: readonly RoutedMember[], moment: number): Routing {
  const { mode, routable, all, evicted } = routing(members, moment);
  for (const each of routable) expect(all).toContain(each);
  return {
    mode,
    routable: members.map((each) => routable.includes(each)),
    evict: members.map((each) => evicted.has(each)),
  };
}

function routed(health: Health, times: Partial<CheckTimes> = {}): RoutedMember {
  return {
    ...{ health, ineligibility: undefined, isDrained: false, isUnresponsive: false, priority: 0 },
    checkTimes: { ...noCheckTimes, ...times },
  };
}

/** Passes and answers at all times, so that whoever else fails is corroborated. */
function corroborating(health: Health): RoutedMember {
  const always = Number.MAX_SAFE_INTEGER;
  return routed(health, { passes: [always], answeredAt: always, answersSince: 0 });
}

/** Calls `each` with the health of all and the routing after every observation. */
function inAnyLife(
  each: (routing: Routing, healths: readonly Health[], before: readonly Health[]) => void,
): void {
  fc.assert(
    fc.property(anyRules, anyCluster, (rules, { size, history }) => {
      let healths: Health[] = Array.from({ length: size }, () => unknownHealth(0));
      history.forEach(([who, seen], now) => {
        const before = healths;
        healths = before.map((health, index) =>
          index === who ? nextHealth(health, seen, rules, now) : health,
        );
        each(route(healths.map(corroborating), 0), healths, before);
      });
    }),
    { numRuns: 1000 },
  );
}

test('nobody is ever evicted unless another member is healthy', () => {
  inAnyLife(({ evict }, healths) => {
    evict.forEach((leaves, index) => {
      if (leaves) expect(healths.some((each, at) => at !== index && acceptsNew(each))).toBe(true);
    });
  });
});

test('there is always a member to route to', () => {
  inAnyLife(({ routable }) => expect(routable).toContain(true));
});

test('no connection is sent to a member that evicts', () => {
  inAnyLife(({ routable, evict }) => {
    evict.forEach((leaves, index) => {
      if (leaves) expect(routable[index]).toBe(false);
    });
  });
});

test('it is panic exactly when every member was checked and none is healthy', () => {
  inAnyLife(({ mode, routable }, healths) => {
    const healthy = healths.some((health) => health.state === 'healthy');
    const unchecked = healths.some((health) => health.state === 'unknown');
    expect(mode).toBe(healthy ? 'normal' : unchecked ? 'starting' : 'panic');
    if (mode !== 'normal') expect(routable).not.toContain(false);
  });
});

test('the moment one is healthy only healthy members are routed to and the failed ones are evicted', () => {
  let recoveries = 0;
  inAnyLife(({ routable, evict }, healths, before) => {
    if (!healths.some(acceptsNew)) return;
    if (!before.some(acceptsNew) && healths.some((health) => health.state === 'failed')) {
      recoveries += 1;
    }
    expect(routable).toEqual(healths.map((health) => health.state === 'healthy'));
    expect(evict).toEqual(healths.map((health) => health.state === 'failed'));
  });
  expect(recoveries).toBeGreaterThan(0); // the interesting case did occur
});

test('after an election the first member to recover does not evict those that recover beside it', () => {
  const rules = { rise: 2, fall: 2, hold: 0 };
  const fallen = [fail, fail, pass].reduce<Health>(
    (health, seen) => nextHealth(health, seen, rules, 1),
    unknownHealth(0),
  );
  const healthy = nextHealth(fallen, pass, rules, 2);
  expect(route([healthy, fallen, fallen].map(corroborating), 0)).toEqual({
    mode: 'normal',
    routable: [true, false, false],
    evict: [false, false, false],
  });
});

test('without members the answers are empty', () => {
  expect(route([], 0)).toEqual({ mode: 'starting', routable: [], evict: [] });
});

describe('a failed member stays until others have passed twice since it began, a moment apart', () => {
  const rules = { rise: 1, fall: 1, hold: 0 };
  const failed = nextHealth(unknownHealth(0), { ...refused, startedAt: 1000 }, rules, 1000);
  const healthy = nextHealth(unknownHealth(0), pass, rules, 1000);
  const evicts = (...others: RoutedMember[]) => route([routed(failed), ...others], 225).evict[0];

  test.each([
    [[], false],
    [[5000], false],
    [[1005], false],
    [[999, 5000], false],
    [[1005, 1229], false],
    [[1005, 1230], true],
    [[1000, 1225], true],
  ])('%j', (passes, expected) => {
    expect(evicts(routed(healthy, { passes }))).toBe(expected);
  });

  test('the second of them may be another, but must serve', () => {
    const first = routed(failed, { passes: [1005] });
    const second = routed(healthy, { passes: [1230] });
    expect(evicts(first, second)).toBe(true);
    expect(evicts(first, { ...second, isDrained: true })).toBe(false);
    expect(evicts(second, { ...routed(healthy, { passes: [1005] }), isDrained: true })).toBe(true);
  });

  test('its own checks are nothing to it', () => {
    const own = routed(failed, { passes: [1005] });
    expect(route([own, routed(healthy, { passes: [1230] })], 225).evict[0]).toBe(false);
    expect(isCorroborated(own, [own])).toBe(false);
  });
});

describe('while nobody is healthy', () => {
  const moment = 225;
  /** All failed at 1000; each last answered then, and some only from a given time on. */
  const panic = (answers: readonly (number | undefined)[], answersSince = 0) => {
    const failing = { ...refused, startedAt: 1000 };
    const health = nextHealth(unknownHealth(0), failing, { rise: 1, fall: 1, hold: 0 }, 1100);
    return route(
      answers.map((answeredAt) => routed(health, { answeredAt, answersSince })),
      moment,
    );
  };

  test('who answers nothing is left aside while a majority answers', () => {
    expect(panic([900, 1225, 1300])).toEqual({
      mode: 'panic',
      routable: [false, true, true],
      evict: [true, false, false],
    });
    expect(panic([undefined, 1225, 1300, undefined, 1300]).evict).toEqual([
      ...[true, false, false, true, false],
    ]);
  });

  test.each([
    ['nobody answers', [900, 900, 900]],
    ['less than a majority answers: those that hang may be the quorum', [900, 900, 1300]],
    ['one of two answers', [900, 1300]],
    ['the others answered only just after it began', [900, 1224, 1224]],
    ['it has answered since', [1001, 1300, 1300]],
    ['it is the only member', [900]],
  ])('nobody is evicted when %s', (_, answers) => {
    const { routable, evict } = panic(answers);
    expect(evict).not.toContain(true);
    expect(routable).not.toContain(false);
  });

  test('nobody is evicted by those that have only just begun to answer', () => {
    expect(panic([900, 5224, 5224], 5000).evict).not.toContain(true);
    expect(panic([900, 5225, 5225], 5000).evict).toEqual([true, false, false]);
  });

  test('who is only suspected stays, however unresponsive', () => {
    const suspect = nextHealth(unknownHealth(0), fail, { rise: 1, fall: 2, hold: 0 }, 1000);
    const present = routed(suspect, { answeredAt: 9000, answersSince: 0 });
    const silent = routed(suspect, { answersSince: 0 });
    expect(route([silent, present, present], moment).evict).not.toContain(true);
  });

  test('those that are present are never evicted, and are a majority when anybody is', () => {
    const anyMember = fc.record({
      failed: fc.boolean(),
      since: fc.nat(10),
      answeredAt: fc.option(fc.nat(20), { nil: undefined }),
    });
    let evictions = 0;
    fc.assert(
      fc.property(fc.array(anyMember, { minLength: 1, maxLength: 5 }), (given) => {
        const members = given.map(({ failed, since, answeredAt }) => {
          const failing = { ...(failed ? refused : fail), startedAt: since };
          const rules = { rise: 1, fall: 2, hold: 0 };
          const health = nextHealth(unknownHealth(0), failing, rules, since);
          return routed(health, { answeredAt, answersSince: 0 });
        });
        const { evict, routable } = route(members, 2);
        fc.pre(evict.includes(true));
        evictions += 1;
        const present = evict.filter((leaves) => !leaves);
        expect(present.length).toBeGreaterThan(members.length / 2);
        expect(routable).toEqual(evict.map((leaves) => !leaves));
        given.forEach(({ answeredAt = -1 }, index) => {
          if (evict[index]) expect(answeredAt).toBeLessThan(given[index]?.since ?? -1);
        });
      }),
      { numRuns: 500 },
    );
    expect(evictions).toBeGreaterThan(50);
  });
});

describe('an ineligible member', () => {
  const learner = { reason: 'learner', detail: 'it is a learner', isExcluded: true } as const;
  const lagging = { reason: 'lagging', detail: 'it lags', isExcluded: false } as const;
  const healthOf = (seen: Observation): Health =>
    nextHealth(unknownHealth(0), seen, { rise: 1, fall: 1, hold: 0 }, 1);

  test('gets nothing however healthy it is, and leaves if it is excluded', () => {
    const members = [undefined, learner, lagging].map((ineligibility) => ({
      ...corroborating(healthOf(pass)),
      ineligibility,
    }));
    expect(route(members, 0)).toEqual({
      mode: 'normal',
      routable: [true, false, false],
      evict: [false, true, false],
    });
  });

  test('is no reason to think that the cluster is well', () => {
    const members = [
      corroborating(healthOf(fail)),
      { ...corroborating(healthOf(pass)), ineligibility: learner },
      { ...corroborating(healthOf(pass)), ineligibility: lagging },
    ];
    expect(route(members, 0)).toEqual({
      mode: 'panic',
      routable: [true, false, true],
      evict: [false, false, false],
    });
  });

  test('who is excluded is never routed to, and evicted only while another serves', () => {
    const anyUnfit = fc.constantFrom(undefined, undefined, learner, lagging);
    const anyMember = fc.record({
      seen: fc.constantFrom(pass, fail, refused),
      ineligibility: anyUnfit,
    });
    fc.assert(
      fc.property(fc.array(anyMember, { minLength: 1, maxLength: 5 }), (given) => {
        const members = given.map(({ seen, ineligibility }) => ({
          ...corroborating(healthOf(seen)),
          ineligibility,
        }));
        const { mode, routable, evict } = route(members, 0);
        const serving = given.some(
          ({ seen, ineligibility }) => seen === pass && ineligibility === undefined,
        );
        expect(mode === 'normal').toBe(serving);
        given.forEach(({ ineligibility }, index) => {
          if (ineligibility?.isExcluded)
            expect([routable[index], evict[index]]).toEqual([false, serving]);
        });
        if (!serving) expect(evict).not.toContain(true);
      }),
    );
  });
});
