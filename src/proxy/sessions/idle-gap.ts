/**
 * Idle gaps: the moments at which a session whose bytes are opaque is best closed. One whose client has asked
 * nothing for a while is closed at once. A client that asks now and then, say ten times a second, is quiet
 * between its calls; the longer it has been, the sooner it asks again. So its moment is right after an answer:
 * who asks without a break has asked again by then, and anybody else is as far from the next question as he
 * gets. A long answer comes in parts, with a pause wherever the client has yet to take some, so that its end is
 * waited for longer.
 */
import { hasOpenQuestion } from '../relay/byte-counts.ts';
import { isQuiet } from './activity.ts';
import type { Session } from './session.ts';

/** A client that has asked nothing for this long, ms, is unlikely to ask in the next moment. */
const calmAfter = 1_000;
/** Without another question for this long after an answer, ms. */
const gap = 10;
/** After an answer that is longer than what Go's server writes at a time, which is 4 KB, bytes and ms. */
const long = { answer: 4_096, gap: 100 };

/** Since when samples are frequent, ms of `performance.now()`, and what the member had said by then, bytes. */
export interface Watch {
  readonly since: number;
  readonly member: number;
}

/**
 * Is a session in an idle gap, by the sample of this moment? It follows an answer that was found while samples
 * were frequent: an older answer tells little of when the client asks next.
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
 * Is nothing lost if a session is closed now? Not a byte has come since the last sample, none waits to be read,
 * and none still has to go to the client. To be asked once the sockets have been read.
 */
export function isUntouched({ activity, bytes, relay }: Session): boolean {
  const isSame = bytes.client === activity.client && bytes.member === activity.member;
  return isSame && relay.unsent() === 0 && !relay.catchUp();
}
