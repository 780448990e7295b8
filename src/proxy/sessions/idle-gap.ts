/**
 * Idle gaps: the best moments to close a session whose bytes are opaque. If the client has asked nothing for a
 * while, any moment will do. A client that asks regularly, say ten times a second, is quiet between its calls,
 * and the next question comes closer all the time. So the best moment is shortly after an answer: a client that
 * asks without a break has asked again by then, and any other is as far from its next question as possible.
 * A long answer comes in parts, with a pause wherever the client is slow to read, so the wait for its end is
 * longer.
 */
import { hasOpenQuestion } from '../relay/byte-counts.ts';
import { isQuiet } from './activity.ts';
import type { Session } from './session.ts';

/** A client that has asked nothing for this long, ms, is unlikely to ask in this very moment. */
const calmAfter = 1_000;
/** An idle gap is this long after an answer without another question, ms. */
const gap = 10;
/** The same after a long answer: one longer than what Go's server writes at a time, 4 KB. In bytes and ms. */
const long = { answer: 4_096, gap: 100 };

/** Since when samples are frequent, ms of `performance.now()`, and the member's byte count at that time. */
export interface Watch {
  readonly since: number;
  readonly member: number;
}

/**
 * Is a session in an idle gap, by the sample just taken? A gap follows an answer that was found while samples
 * were frequent: an older answer tells little about when the client asks next.
 *
 * @param now ms of `performance.now()`.
 */
export function isInIdleGap({ activity, bytes }: Session, watch: Watch, now: number): boolean {
  const { askedAt, answeredAt, changedAt } = activity;
  const idleFor = now - changedAt;
  const answer = Math.min(activity.answer, bytes.member - watch.member);
  if (answer > long.answer && idleFor < long.gap) return false;
  if (now - askedAt >= calmAfter) return isQuiet(activity, bytes, now);
  return answeredAt > watch.since && !hasOpenQuestion(bytes) && idleFor >= gap;
}

/**
 * Can a session be closed now without loss? True if no byte has come since the last sample, none waits to be
 * read, and none waits to be sent to the client. Call this after the sockets have been read.
 */
export function isUntouched({ activity, bytes, relay }: Session): boolean {
  const isSame = bytes.client === activity.client && bytes.member === activity.member;
  return isSame && relay.unsent() === 0 && !relay.catchUp();
}
