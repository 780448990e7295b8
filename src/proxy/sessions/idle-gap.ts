/**
 * Rests: the moment at which a busy session is best closed. A client that asks now and then, say ten
 * times a second, is quiet between its calls; the longer it has been, the sooner it asks again. So
 * the moment is right after an answer: who asks without a break has asked again by then, and anybody
 * else is as far from the next question as he gets. A long answer comes in parts, with a pause wherever the
 * client has yet to take some, so that its end is waited for longer.
 */
import { hasOpenQuestion } from '../relay/byte-counts.ts';
import type { Session } from './sessions.ts';

/** Between two looks, ms. */
const interval = 5;
/** Without another question for this long after an answer, ms. */
const rest = 10;
/** After an answer that is longer than what Go's server writes at a time, which is 4 KB, bytes and ms. */
const long = { answer: 4_096, rest: 100 };
/** How long an answer is waited for, ms. */
const patience = 1_000;

/**
 * Has nobody said anything in a session since the last sweep, the bytes that wait to be read
 * included? To be asked once the sockets have been read.
 */
export function isStill(session: Pick<Session, 'activity' | 'bytes' | 'catchUp'>): boolean {
  const { activity, bytes } = session;
  return bytes.client === activity.client && bytes.member === activity.member && !session.catchUp();
}

/**
 * Waits for the next rest of a session: resolves true within a few milliseconds of its begin, false
 * when none came within a second or the session is being closed.
 */
export async function nextRest(session: Pick<Session, 'bytes' | 'closing'>): Promise<boolean> {
  const { bytes } = session;
  const begun = performance.now();
  let { client, member } = bytes;
  let changedAt = begun;
  let answer = 0; // since the last question, acknowledgements of the answer left aside
  for (let now = begun; !session.closing && now - begun < patience; now = performance.now()) {
    if (bytes.client - client > bytes.wire.idle) answer = 0;
    answer += bytes.member - member;
    if (bytes.client !== client || bytes.member !== member) changedAt = now;
    ({ client, member } = bytes);
    const wait = answer > long.answer ? long.rest : rest;
    if (answer > 0 && !hasOpenQuestion(bytes) && now - changedAt >= wait) return true;
    await new Promise((resolve) => setTimeout(resolve, interval));
  }
  return false;
}
