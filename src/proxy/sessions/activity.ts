/**
 * Activity: what can be told of a session from its byte counts alone, looked at a few times a
 * second. The byte path stores two numbers and a flag; everything else is found out here, later.
 *
 *   quiet     nothing in flight, as far as can be seen: it may be closed without cutting a call
 *   waiting   the client has sent something and the member has said nothing since
 *
 * Pure: the sweep (passive.ts) brings the time. Bytes are opaque, so both are guesses: see byte-counts.ts.
 */
import { type ByteCounts, hasOpenQuestion } from '../relay/byte-counts.ts';

/** What is looked at. */
type Spoken = Readonly<Omit<ByteCounts, 'note' | 'noted'>>;

/** What the last look saw. All times are ms of `performance.now()`, those of looks. */
export interface Activity {
  client: number;
  member: number;
  /** The last look that found new bytes from either. */
  changedAt: number;
  /** The first look that found a question with no answer since. */
  waitingSince: number | undefined;
  /** Where in what the client has said that question begins. */
  waitingFrom: number;
  /** The last look that found new bytes from the client. */
  askedAt: number;
}

/** For a session that opens at `now`. */
export function newActivity(now: number): Activity {
  return {
    client: 0,
    member: 0,
    changedAt: now,
    waitingSince: undefined,
    waitingFrom: 0,
    askedAt: now,
  };
}

/** Takes in the counts at `now`. Returns whether the member has answered something since the last look. */
export function look(activity: Activity, bytes: Spoken, now: number): boolean {
  const asked = bytes.client !== activity.client;
  const answered = bytes.member - activity.member > bytes.wire.acknowledgement;
  if (asked) activity.askedAt = now;
  if (asked || bytes.member !== activity.member) activity.changedAt = now;
  activity.client = bytes.client;
  activity.member = bytes.member;
  if (!hasOpenQuestion(bytes)) activity.waitingSince = undefined;
  else if (activity.waitingSince === undefined || activity.waitingFrom !== bytes.clientAtAsk) {
    activity.waitingSince = now;
    activity.waitingFrom = bytes.clientAtAsk;
  }
  return answered;
}

/**
 * A question may be open for this long, ms, without a byte either way. etcd gives up a write after 5 s and
 * two election timeouts, which is 7 s (`ReqTimeout` in its configuration).
 */
const longestCall = 10_000;
/** The same when nothing is asked and the client spoke last, as with an acknowledgement. */
const silence = 300;
/** The same when the member has spoken last. */
const pause = 50;

/** Is it likely that no call is in flight? */
export function isQuiet(activity: Activity, bytes: Spoken, now: number): boolean {
  const since = now - activity.changedAt;
  if (hasOpenQuestion(bytes)) return since >= longestCall;
  return since >= (bytes.memberSpokeLast ? pause : silence);
}
