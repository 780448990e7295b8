/**
 * Activity: what can be told of a session from its byte counts alone, looked at a few times a
 * second. The byte path stores two numbers and a flag; everything else is found out here, later.
 *
 *   quiet     nothing in flight, as far as can be seen: it may be closed without cutting a call
 *   waiting   the client has sent something and the member has said nothing since
 *
 * Pure: the sweep (sweep.ts) brings the time. Bytes are opaque, so both are guesses: a client's last
 * word may need no answer (an HTTP/2 window update), which is why neither convicts anybody.
 */
import type { ByteCounts } from './copier.ts';

/** What the last look saw. All times are ms of `performance.now()`, those of looks. */
export interface Activity {
  client: number;
  member: number;
  /** The last look that found new bytes from either. */
  changedAt: number;
  /** The first look that found bytes from the client with none from the member since. */
  waitingSince: number | undefined;
  /** The last look that found new bytes from the client. */
  askedAt: number;
}

/** For a session that opens at `now`. */
export function newActivity(now: number): Activity {
  return { client: 0, member: 0, changedAt: now, waitingSince: undefined, askedAt: now };
}

/** Takes in the counts at `now`. Returns whether the member has spoken since the last look. */
export function look(activity: Activity, bytes: Readonly<ByteCounts>, now: number): boolean {
  const asked = bytes.client !== activity.client;
  const answered = bytes.member !== activity.member;
  if (asked) activity.askedAt = now;
  if (asked || answered) activity.changedAt = now;
  activity.client = bytes.client;
  activity.member = bytes.member;
  if (answered && bytes.memberSpokeLast) activity.waitingSince = undefined;
  else if (answered || (asked && activity.waitingSince === undefined)) activity.waitingSince = now;
  return answered;
}

/** Silence either way for this long, ms, makes a session quiet whoever spoke last. */
const silence = 300;
/** The same when the member spoke last: an answer, and no further question. */
const pause = 50;

/** Is it likely that no call is in flight? */
export function isQuiet(activity: Activity, bytes: Readonly<ByteCounts>, now: number): boolean {
  return now - activity.changedAt >= (bytes.memberSpokeLast ? pause : silence);
}
