/**
 * The condition of one member, as one word with a tone, and why. Pure.
 *
 * The health state is what its probes say. Why it is not used although they pass (ineligible, drained) is
 * shown beside it.
 */
import { capitalized, count } from '../lib/amounts.ts';
import { duration, tenths } from '../lib/time.ts';
import type { Tone } from '../lib/tone.ts';
import type { HoldReport, MemberReport, StatusUpdate } from '../wire.ts';

export interface Condition {
  readonly tone: Tone;
  readonly icon: string;
  readonly word: string;
  /** Absent where the reasons say how long. ISO 8601. */
  readonly since?: string;
}

const byState: Readonly<Record<MemberReport['state'], Condition>> = {
  unknown: { tone: 'note', icon: 'unknown', word: 'not checked yet' },
  healthy: { tone: 'ok', icon: 'ok', word: 'healthy' },
  suspect: { tone: 'warn', icon: 'warn', word: 'suspect' },
  failed: { tone: 'bad', icon: 'bad', word: 'failed' },
  recovering: { tone: 'note', icon: 'again', word: 'recovering' },
};

/** @param hold the hold for which this member is the leader that is lost or moved. */
export function conditionOf(member: MemberReport, hold?: HoldReport): Condition {
  const { state, since, unfit, drain } = member;
  const checked = { ...byState[state], since };
  if (state !== 'healthy') return checked;
  // A hold begins before the next probe shows anything.
  if (hold?.cause === 'planned') return { tone: 'note', icon: 'pause', word: 'handing over' };
  if (hold !== undefined) return { tone: 'warn', icon: 'warn', word: 'lost' };
  if (unfit !== undefined) {
    const tone = unfit.reason === 'learner' ? 'note' : 'warn';
    const word = unfit.reason === 'learner' ? 'learner' : 'not used';
    return { tone, icon: tone, word, since };
  }
  if (drain === undefined) return checked;
  return { tone: 'note', icon: 'pause', word: 'drained', since: drain.since };
}

/** The hold of which this member is the leader that is lost or moved. */
export function holdOf({ name }: MemberReport, { hold }: StatusUpdate): HoldReport | undefined {
  return hold.current?.leader === name ? hold.current : undefined;
}

/**
 * Why it is in that state, what else is wrong with it and what is not known of it, a sentence each.
 *
 * @param now ms since the epoch, by the balancer's clock.
 * @param hold the hold for which this member is the leader that is lost or moved.
 */
export function reasonsOf(member: MemberReport, now: number, hold?: HoldReport): readonly string[] {
  const { state, evidence, unfit, unknown, drain, sessions } = member;
  return [
    ...(hold ? [`Holding for ${tenths(now - Date.parse(hold.since))}: ${hold.why}.`] : []),
    ...(evidence ? [describe(evidence)] : []),
    ...(unfit ? [`Not used: ${unfit.detail}.`] : []),
    ...(drain ? [drainedInWords(drain, sessions, now)] : []),
    // A failed member does not answer anyway.
    ...(unknown && state !== 'failed' ? [`Its status is not known: ${unknown}.`] : []),
  ];
}

function drainedInWords(
  { until }: NonNullable<MemberReport['drain']>,
  sessions: number,
  now: number,
): string {
  if (sessions === 0) return 'Drained by an operator; no session is left.';
  const time = until === undefined ? '' : ` within ${duration(Date.parse(until) - now)}`;
  return `Drained by an operator; ${count(sessions, 'session')} left to move${time}.`;
}

function describe({ failedChecks, detail }: NonNullable<MemberReport['evidence']>): string {
  // Evidence that is not from a probe explains itself: "dial failed: …", "the leader does not answer".
  if (failedChecks === 0) return `${capitalized(detail)}.`;
  return `${count(failedChecks, 'check')} failed: ${detail}.`;
}

/** "none", "1 entry", "25 entries" */
export function lagInWords(lag: number): string {
  if (lag === 0) return 'none';
  return `${lag.toLocaleString('en')} ${lag === 1 ? 'entry' : 'entries'}`;
}
