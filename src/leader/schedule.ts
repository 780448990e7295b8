/**
 * What the guard asks when. Pure.
 *
 *   heartbeat   the leader, all the time
 *   status      all members rarely; the others often while the leader is in doubt or lost
 *   reads       the others, while the leader is in doubt or lost
 *
 * All times are ms of `performance.now()`, all intervals ms.
 */
import { nextInStep } from '../lib/time/step.ts';
import type { HoldRules, HoldState } from './hold.ts';

/** Between two heartbeats while sessions are active, and while all are quiet. */
const heartbeatInterval = { busy: 20, quiet: 250 };
/** Between two status rounds. */
const statusInterval = { busy: 1_000, quiet: 10_000, unled: 250 };
/** The same while the leader is in doubt, lost, or about to be moved. */
const doubtInterval = 20;
const moveInterval = 5;
/** If the leader's heartbeat is unanswered for this long and it still leads, reads watch it instead. */
const unseenAfter = 1_000;
/** Between two of these reads: unlike heartbeats, they cost the cluster a call. */
const unseenInterval = 250;
/** Sessions are quiet after this long without a byte: no request is expected. */
const quietAfter = 1_000;

/** The input of the schedule. */
export interface Situation extends HoldRules {
  readonly now: number;
  readonly state: HoldState;
  /** For how long neither clients nor members have sent a byte. */
  readonly quietFor: number;
  /** When the last heartbeat was due. */
  readonly heartbeatAt: number;
  /** Since when the heartbeat of the leader is unanswered; undefined if it is answered. */
  readonly heartbeatSince: number | undefined;
  /** The same for the reads through the others. */
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
  // Tick just in time for the decision: each ms of delay costs the calls made in it.
  const due = Math.max(since, state.provenAt) + patience - now;
  return Math.min(doubtInterval, Math.max(1, due));
}

/** When the next heartbeat is due. */
export function nextHeartbeat({ quietFor, heartbeatAt }: Situation): number {
  return quietFor >= quietAfter
    ? nextInStep(heartbeatAt, heartbeatInterval.quiet)
    : heartbeatAt + heartbeatInterval.busy;
}

/** How long from one status round to the next. */
export function untilNextRound({ state, quietFor }: Situation): number {
  if (state.kind === 'unled') return statusInterval.unled;
  return quietFor >= quietAfter ? statusInterval.quiet : statusInterval.busy;
}

/**
 * Since when the proof of a leader is awaited: its heartbeat, or reads through the others if this host cannot
 * reach a leader that still leads.
 */
export function waitingSince(situation: Situation): number | undefined {
  return isUnseen(situation) ? situation.readSince : situation.heartbeatSince;
}

/** Must the other members be asked? */
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
