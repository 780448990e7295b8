/**
 * The health of one member: a pure state machine over what was observed of it.
 *
 *                 fail                    fall-th fail, or refused
 *   unknown ──────────────► suspect ─────────────────────────────► failed
 *      │ pass     ┌───────────▲ │ pass                               │ pass
 *      ▼          │ fail      │ ▼                     pass           ▼
 *   healthy ──────┘        recovering ◄──────────────────────────────┘
 *      ▲                      │ rise-th pass
 *      └──────────────────────┘
 *
 * It answers two questions, never one boolean:
 *   - may new connections go there?      only while `healthy`: withdraw early, at the first bad sign
 *   - must existing connections leave?   only while `failed`: mark failed late, on confirmed failure
 *
 * Owns the states and the transitions. Leaves to others what the members' health means together
 * (routing.ts: nobody is evicted when all fail), the checks (probe.ts), the clock and the sockets.
 */
import type { Failure } from '../../lib/net/failure.ts';

/** How many checks it takes, in a row; at least 1 each. */
export interface HealthRules {
  /** Passed checks before a withdrawn member gets new connections again. */
  readonly rise: number;
  /** Failed checks before a member's existing connections are closed. */
  readonly fall: number;
  /** How long a withdrawn member has to pass its checks besides, ms; see damping.ts. */
  readonly hold: number;
}

/**
 * What was seen of a member. Only a check can mark it failed or restore it; a dial can only raise suspicion.
 * That it has answered anything at all changes no state: what it is good for is in routing.ts.
 */
export type Observation =
  | { readonly kind: 'check-passed' }
  | { readonly kind: 'answered' }
  | {
      readonly kind: 'check-failed';
      readonly failure: Failure;
      /**
       * Proof by itself, which marks the member failed at once. Either the port that clients use refused the check:
       * the process is gone and its connections with it (never so for a check URL of its own, whose
       * listener can be down while the client port serves). Or the check timed out while clients
       * had been waiting for a word from the member at least as long.
       */
      readonly conclusive: boolean;
      /** When the check was begun, ms since the epoch. */
      readonly startedAt: number;
    }
  | { readonly kind: 'dial-failed'; readonly failure: Failure }
  /** It leaves questions unanswered while it is the leader, and the others cannot reach it either. */
  | { readonly kind: 'unresponsive'; readonly failure: Failure };

/** Why a member is not healthy: what was seen last, how often, and since when. */
export interface Evidence {
  readonly failure: Failure;
  /** Consecutive failed checks; 0 while there is only another sign, such as a dial that failed. */
  readonly failedChecks: number;
  /** When the first of them was begun, or the dial had failed; ms since the epoch. */
  readonly since: number;
}

/** The state. `since` is when this state was entered, in ms since the epoch. */
export type Health =
  | { readonly state: 'unknown'; readonly since: number }
  | { readonly state: 'healthy'; readonly since: number }
  | { readonly state: 'suspect'; readonly since: number; readonly evidence: Evidence }
  | { readonly state: 'failed'; readonly since: number; readonly evidence: Evidence }
  | {
      readonly state: 'recovering';
      readonly since: number;
      /** What it recovers from, and falls back to when a check fails. */
      readonly from: 'suspect' | 'failed';
      readonly passedChecks: number;
      readonly evidence: Evidence;
    };

/** Every state a member can be in, in the order of the picture above. */
export const healthStates = ['unknown', 'healthy', 'suspect', 'failed', 'recovering'] as const;

/** The state of a member of which nothing is known yet. */
export function unknownHealth(now: number): Health {
  return { state: 'unknown', since: now };
}

/** May new connections go to a member in this state? */
export function acceptsNew(health: Health): boolean {
  return health.state === 'healthy';
}

/** Does it fail at this moment, confirmed or not? */
export function isFailing(
  health: Health,
): health is Extract<Health, { state: 'suspect' | 'failed' }> {
  return health.state === 'suspect' || health.state === 'failed';
}

/** Is the failure confirmed, so that existing connections are better off elsewhere? */
export function isConfirmedFailure(health: Health): health is Extract<Health, { state: 'failed' }> {
  return health.state === 'failed';
}

/**
 * The next state. Returns `health` itself when nothing changed, so that identity tells a change.
 *
 * @param now ms since the epoch; never before the times already in `health`.
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
  // A run of failures is broken by a passed check, so one that recovers starts a new run.
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
  // Withdrawn already: the checks alone decide what comes next.
  if (health.state !== 'healthy' && health.state !== 'unknown') return health;
  return { state: 'suspect', since: now, evidence: { failure, failedChecks: 0, since: now } };
}
