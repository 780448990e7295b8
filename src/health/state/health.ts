/**
 * The health state of one member: a pure state machine over observations.
 *
 *                 fail                    fall-th fail, or refused
 *   unknown ──────────────► suspect ─────────────────────────────► failed
 *      │ pass     ┌───────────▲ │ pass                               │ pass
 *      ▼          │ fail      │ ▼                     pass           ▼
 *   healthy ──────┘        recovering ◄──────────────────────────────┘
 *      ▲                      │ rise-th pass
 *      └──────────────────────┘
 *
 * It answers two separate questions:
 *   - may new connections go there?      only while `healthy`: withdraw early, at the first bad sign
 *   - must existing connections leave?   only while `failed`: mark failed late, on confirmed failure
 *
 * Owns the states and the transitions. routing.ts decides what the states of all members mean together (none
 * is evicted if all fail); probe.ts runs the checks.
 */
import type { Failure } from '../../lib/net/failure.ts';

/** How many consecutive checks a transition takes; at least 1 each. */
export interface HealthRules {
  /** Passed checks before a withdrawn member gets new connections again. */
  readonly rise: number;
  /** Failed checks before a member's existing connections are closed. */
  readonly fall: number;
  /** How long a withdrawn member must also pass its checks, ms; see damping.ts. */
  readonly hold: number;
}

/**
 * An observation of a member. Only a check can mark it failed or restore it; a dial can only raise suspicion.
 * `answered` changes no state; routing.ts uses it.
 */
export type Observation =
  | { readonly kind: 'check-passed' }
  | { readonly kind: 'answered' }
  | {
      readonly kind: 'check-failed';
      readonly failure: Failure;
      /**
       * Does this check alone prove the failure? Then the member is marked failed at once. Either the client port
       * refused the check: the process is gone and its connections with it. (A separate check URL proves nothing:
       * its listener can be down while the client port serves.) Or the check timed out while clients had been
       * waiting for an answer at least as long.
       */
      readonly conclusive: boolean;
      /** When the check began, ms since the epoch. */
      readonly startedAt: number;
    }
  | { readonly kind: 'dial-failed'; readonly failure: Failure }
  /** It is the leader and answers neither us nor the other members. */
  | { readonly kind: 'unresponsive'; readonly failure: Failure };

/** Why a member is not healthy: the last failure, how many in a row, and since when. */
export interface Evidence {
  readonly failure: Failure;
  /** Consecutive failed checks; 0 if there is only another sign, such as a failed dial. */
  readonly failedChecks: number;
  /** When the first of them began, or when the dial failed; ms since the epoch. */
  readonly since: number;
}

/** The health state. `since` is when it was entered, ms since the epoch. */
export type Health =
  | { readonly state: 'unknown'; readonly since: number }
  | { readonly state: 'healthy'; readonly since: number }
  | { readonly state: 'suspect'; readonly since: number; readonly evidence: Evidence }
  | { readonly state: 'failed'; readonly since: number; readonly evidence: Evidence }
  | {
      readonly state: 'recovering';
      readonly since: number;
      /** What it recovers from, and returns to if a check fails. */
      readonly from: 'suspect' | 'failed';
      readonly passedChecks: number;
      readonly evidence: Evidence;
    };

/** All health states, in the order of the picture above. */
export const healthStates = ['unknown', 'healthy', 'suspect', 'failed', 'recovering'] as const;

/** The state of a member that was not observed yet. */
export function unknownHealth(now: number): Health {
  return { state: 'unknown', since: now };
}

/** May new connections go to a member in this state? */
export function acceptsNew(health: Health): boolean {
  return health.state === 'healthy';
}

/** Is a member in this state failing, confirmed or not? */
export function isFailing(
  health: Health,
): health is Extract<Health, { state: 'suspect' | 'failed' }> {
  return health.state === 'suspect' || health.state === 'failed';
}

/** Is the failure confirmed, so that existing connections should leave? */
export function isConfirmedFailure(health: Health): health is Extract<Health, { state: 'failed' }> {
  return health.state === 'failed';
}

/**
 * The next state. Returns `health` itself if nothing has changed, so that identity shows a change.
 *
 * @param now ms since the epoch; never before the times in `health`.
 */
export function nextHealth(
  health: Health,
  observation: Observation,
  rules: HealthRules,
  now: number,
): Health {
  switch (observation.kind) {
    case 'answered':
      return health;
    case 'check-passed':
      return afterPass(health, rules, now);
    case 'check-failed':
      return afterFail(health, observation, rules, now);
    case 'dial-failed':
    case 'unresponsive':
      return afterSign(health, observation.failure, now);
  }
}

function afterPass(health: Health, rules: HealthRules, now: number): Health {
  switch (health.state) {
    case 'healthy':
      return health;
    case 'unknown':
      return { state: 'healthy', since: now };
    case 'suspect':
    case 'failed':
    case 'recovering': {
      const recovering = health.state === 'recovering';
      const passedChecks = (recovering ? health.passedChecks : 0) + 1;
      const since = recovering ? health.since : now;
      if (passedChecks >= rules.rise && now - since >= rules.hold) {
        return { state: 'healthy', since: now };
      }
      return {
        state: 'recovering',
        since,
        from: recovering ? health.from : health.state,
        passedChecks,
        evidence: health.evidence,
      };
    }
  }
}

function afterFail(
  health: Health,
  { failure, conclusive, startedAt }: Extract<Observation, { kind: 'check-failed' }>,
  rules: HealthRules,
  now: number,
): Health {
  // A passed check ends a run of failures, so a recovering member begins a new run.
  const run = isFailing(health) ? health.evidence : undefined;
  const evidence: Evidence = {
    failure,
    failedChecks: (run?.failedChecks ?? 0) + 1,
    since: run?.since ?? startedAt,
  };
  const wasFailed =
    health.state === 'failed' || (health.state === 'recovering' && health.from === 'failed');
  const state =
    wasFailed || conclusive || evidence.failedChecks >= rules.fall ? 'failed' : 'suspect';
  return { state, since: state === health.state ? health.since : now, evidence };
}

function afterSign(health: Health, failure: Failure, now: number): Health {
  // Already withdrawn: only checks decide what comes next.
  if (health.state !== 'healthy' && health.state !== 'unknown') return health;
  return { state: 'suspect', since: now, evidence: { failure, failedChecks: 0, since: now } };
}
