/**
 * Activity: what can be told of a session from its byte counts alone, looked at a few times a
 * second. The byte path stores two numbers and a flag; everything else is found out here, later.
 *
 *   quiet     nothing in flight, as far as can be seen: it may be closed without cutting a call
 *   waiting   the client has sent something and the member has said nothing since
 *
 * Pure: the sweep (silence.ts) brings the time. Bytes are opaque, so both are guesses: a client's last
 * word may need no answer (an HTTP/2 window update), which is why neither convicts anybody.
 */
import type { ByteCounts } from './copier.ts';

/**
 * A peer of HTTP/2 acknowledges what it gets, with up to 43 bytes (two WINDOW_UPDATE and a PING, RFC
 * 9113 sections 6.7 and 6.9), long before the answer, of which the shortest that etcd gives has 65.
 * Within TLS the two cannot be told apart for sure.
 */
const mereAcknowledgement = 48;

/** What is looked at. */
type Spoken = Readonly<Pick<ByteCounts, 'client' | 'member' | 'memberSpokeLast'>>;

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

/** Takes in the counts at `now`. Returns whether the member has answered something since the last look. */
export function look(activity: Activity, bytes: Spoken, now: number): boolean {
  const asked = bytes.client !== activity.client;
  const answered = bytes.member - activity.member > mereAcknowledgement;
  if (asked) activity.askedAt = now;
  if (asked || bytes.member !== activity.member) activity.changedAt = now;
  activity.client = bytes.client;
  activity.member = bytes.member;
  if (answered && bytes.memberSpokeLast) activity.waitingSince = undefined;
  else if (answered || (asked && activity.waitingSince === undefined)) activity.waitingSince = now;
  return answered;
}

/** Silence either way for this long, ms, makes a session quiet whoever spoke last. */
const silence = 300;
/** The same when the member has answered last: no question is open. */
const pause = 50;

/** Is it likely that no call is in flight? */
export function isQuiet(activity: Activity, bytes: Spoken, now: number): boolean {
  const answered = bytes.memberSpokeLast && activity.waitingSince === undefined;
  return now - activity.changedAt >= (answered ? pause : silence);
}
