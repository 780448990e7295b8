/**
 * What the guard asks when. Pure.
 *
 *   heartbeat   the leader, all the time
 *   status      everybody now and then; the others often while the leader is in doubt or lost
 *   reads       the others, while the leader is in doubt or lost
 *
 * All times are ms of `performance.now()`, all intervals ms.
 */
import { nextInStep } from '../lib/time/step.ts';
import type { HoldRules, HoldState } from './hold.ts';

/** Between two heartbeats while sessions speak, and while all are quiet. */
const heartbeatInterval = { busy: 20, quiet: 250 };
/** Between two rounds of questions to everybody about who leads. */
const statusInterval = { busy: 1_000, quiet: 10_000, unled: 250 };
/** The same while the leader is in doubt, lost, or about to be moved. */
const doubtInterval = 20;
const moveInterval = 5;
/** A leader whose heartbeat is unanswered for this long, and that leads on, is watched by reads. */
const unseenAfter = 1_000;
/** Between two of these: they are calls of the cluster, where heartbeats are not. */
const unseenInterval = 250;
/** Sessions are quiet after this long: nobody is about to ask something. */
const quietAfter = 1_000;

/** What the schedule follows from. */
export interface Situation extends HoldRules {
  readonly now: number;
  readonly state: HoldState;
  /** For how long neither a client nor a member has said anything. */
  readonly quietFor: number;
  /** When the last heartbeat was due. */
  readonly heartbeatAt: number;
  /** Since when the heartbeat of the leader is unanswered; undefined if it is not. */
  readonly heartbeatSince: number | undefined;
  /** The same of the reads through the others. */
  readonly readSince: number | undefined;
}

/** How long until the next tick. */
export function untilNextTick(situation: Situation): number {
  const { now, state, patience, limit } = situation;
  if (limit === 0) return statusInterval.busy;
  if (state.kind === 'held') return state.cause === 'planned' ? moveInterval : doubtInterval;
  if (state.kind === 'unled') return statusInterval.unled;
  const since = waitingSince(situation);
  if (since === undefined) return Math.max(1, nextHeartbeat(situation) - now);
  // In time for the decision: each ms costs the calls that are asked in it.
  const due = Math.max(since, state.provenAt) + patience - now;
  return Math.min(doubtInterval, Math.max(1, due));
}

/** When the leader is to be asked again. */
export function nextHeartbeat({ quietFor, heartbeatAt }: Situation): number {
  return quietFor >= quietAfter
    ? nextInStep(heartbeatAt, heartbeatInterval.quiet)
    : heartbeatAt + heartbeatInterval.busy;
}

/** Between two rounds of questions to everybody about who leads. */
export function untilNextRound({ state, quietFor }: Situation): number {
  if (state.kind === 'unled') return statusInterval.unled;
  return quietFor >= quietAfter ? statusInterval.quiet : statusInterval.busy;
}

/**
 * Since when a question is open that proves the leader: its heartbeat, or reads through the others where
 * this host has lost sight of a leader that goes on to lead.
 */
export function waitingSince(situation: Situation): number | undefined {
  return isUnseen(situation) ? situation.readSince : situation.heartbeatSince;
}

/** Are the others to be asked? */
export function isInDoubt(situation: Situation): boolean {
  const { now, state, patience, heartbeatSince, readSince } = situation;
  if (state.kind !== 'led') return state.kind === 'held';
  if (isUnseen(situation)) return readSince !== undefined || now - state.provenAt >= unseenInterval;
  return (
    heartbeatSince !== undefined && now - Math.max(heartbeatSince, state.provenAt) >= patience / 2
  );
}

function isUnseen({ now, heartbeatSince = now }: Situation): boolean {
  return now - heartbeatSince >= unseenAfter;
}
