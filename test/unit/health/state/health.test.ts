/**
 * The state machine: every arrow of the picture in health.ts, and what holds for any sequence of
 * observations. The models in the properties count signs and know nothing of states.
 */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  acceptsNew,
  type Health,
  type HealthRules,
  isConfirmedFailure,
  nextHealth,
  type Observation,
  unknownHealth,
} from '../../../../src/health/state/health.ts';
import type { Failure } from '../../../../src/lib/net/failure.ts';

const failure: Failure = { reason: 'timeout', detail: 'timed out after 700 ms' };
const pass: Observation = { kind: 'check-passed' };
const fail: Observation = { kind: 'check-failed', failure, conclusive: false, startedAt: 0 };
const refused: Observation = { kind: 'check-failed', failure, conclusive: true, startedAt: 0 };
const dial: Observation = { kind: 'dial-failed', failure };

const anyRules = fc.record({
  rise: fc.integer({ min: 1, max: 4 }),
  fall: fc.integer({ min: 1, max: 4 }),
  hold: fc.constant(0),
});
const anyHistory = fc.array(fc.constantFrom(pass, pass, fail, fail, refused, dial), {
  maxLength: 40,
});

interface Step {
  readonly seen: Observation;
  readonly before: Health;
  readonly after: Health;
  readonly now: number;
}

/** Every step of a member's life, with all states frozen so that a change in place throws. */
function live(rules: HealthRules, history: readonly Observation[]): Step[] {
  let before = freeze(unknownHealth(0));
  return history.map((seen, index) => {
    const now = index + 1;
    const after = freeze(nextHealth(before, seen, rules, now));
    const step = { seen, before, after, now };
    before = after;
    return step;
  });
}

function freeze(health: Health): Health {
  if ('evidence' in health) Object.freeze(health.evidence);
  return Object.freeze(health);
}

function stateAfter(rules: HealthRules, ...history: Observation[]): Health['state'] {
  return live(rules, history).at(-1)?.after.state ?? 'unknown';
}

describe('transitions, with rise 2 and fall 3', () => {
  const rules = { rise: 2, fall: 3, hold: 0 };

  test.each<[string, Observation[], Health['state']]>([
    ['unknown passes', [pass], 'healthy'],
    ['unknown fails', [fail], 'suspect'],
    ['unknown is refused', [refused], 'failed'],
    ['unknown has a failed dial', [dial], 'suspect'],
    ['healthy passes', [pass, pass], 'healthy'],
    ['healthy fails', [pass, fail], 'suspect'],
    ['healthy is refused', [pass, refused], 'failed'],
    ['healthy has a failed dial', [pass, dial], 'suspect'],
    ['suspect fails again', [pass, fail, fail], 'suspect'],
    ['suspect fails for the fall-th time', [pass, fail, fail, fail], 'failed'],
    ['suspect is refused', [pass, fail, refused], 'failed'],
    ['suspect passes', [pass, fail, pass], 'recovering'],
    ['suspect has a failed dial', [pass, fail, dial, dial, dial], 'suspect'],
    ['failed fails', [refused, fail], 'failed'],
    ['failed passes', [refused, pass], 'recovering'],
    ['failed has a failed dial', [refused, dial], 'failed'],
    ['recovering passes for the rise-th time', [refused, pass, pass], 'healthy'],
    ['recovering from suspect fails', [pass, fail, fail, pass, fail], 'suspect'],
    ['recovering from suspect is refused', [pass, fail, pass, refused], 'failed'],
    ['recovering from failed fails', [refused, pass, fail], 'failed'],
    ['recovering has a failed dial', [refused, pass, dial], 'recovering'],
  ])('%s', (_, history, state) => {
    expect(stateAfter(rules, ...history)).toBe(state);
  });

  test('a dial that failed before does not count as a failed check', () => {
    expect(stateAfter(rules, pass, dial, fail, fail)).toBe('suspect');
    expect(stateAfter(rules, pass, dial, fail, fail, fail)).toBe('failed');
  });

  test('a passed check starts the count of failed ones again', () => {
    expect(stateAfter(rules, pass, fail, fail, pass, fail, fail)).toBe('suspect');
  });
});

test('with rise 1 one pass restores, with fall 1 one failure marks it failed', () => {
  const rules = { rise: 1, fall: 1, hold: 0 };
  expect(stateAfter(rules, pass, fail)).toBe('failed');
  expect(stateAfter(rules, pass, fail, pass)).toBe('healthy');
});

test('the evidence is the last failure, the length of the run and when the run began', () => {
  const refusal: Failure = { reason: 'refused', detail: 'connect ECONNREFUSED' };
  const last: Observation = {
    kind: 'check-failed',
    failure: refusal,
    conclusive: true,
    startedAt: 0,
  };
  const [, , after] = live({ rise: 2, fall: 5, hold: 0 }, [pass, fail, last]).map(
    (step) => step.after,
  );
  expect(after).toEqual({
    state: 'failed',
    since: 3,
    evidence: { failure: refusal, failedChecks: 2, since: 0 },
  });
});

describe('for any rules and any sequence of observations', () => {
  const check = (property: (rules: HealthRules, history: readonly Observation[]) => void) =>
    fc.assert(fc.property(anyRules, anyHistory, property), { numRuns: 1000 });

  test('new connections go there exactly after a first pass, or rise passes in a row since the last bad sign', () => {
    check((rules, history) => {
      let passes = 0;
      let doubted = false;
      for (const { seen, before, after } of live(rules, history)) {
        // A dial that fails while the member is withdrawn tells nothing new: checks alone decide.
        const trusted = before.state === 'unknown' || before.state === 'healthy';
        const bad = seen.kind === 'check-failed' || (seen.kind === 'dial-failed' && trusted);
        if (bad) passes = 0;
        if (bad) doubted = true;
        if (seen.kind === 'check-passed') passes += 1;
        expect(acceptsNew(after)).toBe(passes >= (doubted ? rules.rise : 1));
      }
    });
  });

  test('it is failed exactly after fall failed checks in a row or a refusal, or a failed check before it had recovered', () => {
    check((rules, history) => {
      let passes = 0;
      let failures = 0;
      let isFailed = false;
      for (const { seen, after } of live(rules, history)) {
        if (seen.kind === 'check-passed') {
          passes += 1;
          failures = 0;
          if (passes >= rules.rise) isFailed = false;
        } else if (seen.kind === 'check-failed') {
          failures += 1;
          passes = 0;
          isFailed ||= seen.conclusive || failures >= rules.fall;
        }
        expect(isConfirmedFailure(after)).toBe(isFailed && failures > 0);
      }
    });
  });

  test('a failed dial never marks a member failed', () => {
    check((rules, history) => {
      for (const { seen, before, after } of live(rules, history)) {
        if (seen.kind !== 'dial-failed') continue;
        expect(isConfirmedFailure(after)).toBe(isConfirmedFailure(before));
      }
    });
  });

  test('it is withdrawn at the first bad sign', () => {
    check((rules, history) => {
      for (const { seen, after } of live(rules, history)) {
        if (seen.kind !== 'check-passed') expect(acceptsNew(after)).toBe(false);
      }
    });
  });

  test('the same object comes back when nothing changed, and only then', () => {
    check((rules, history) => {
      for (const { before, after } of live(rules, history)) {
        if (after !== before) expect(after).not.toEqual(before);
      }
    });
  });

  test('since is the time at which the state was entered', () => {
    check((rules, history) => {
      for (const { before, after, now } of live(rules, history)) {
        expect(after.since).toBe(after.state === before.state ? before.since : now);
      }
    });
  });
});
