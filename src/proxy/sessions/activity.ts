/**
 * Activity: what the byte counts of a session show, sampled a few times a second. The byte path stores two
 * numbers and a flag; this file derives the rest later.
 *
 *   quiet     probably nothing is in flight: the session may be closed without cutting a call
 *   waiting   the client has sent a question and the member has not answered it
 *
 * Only its session writes it (`Session.sample`). The bytes are opaque, so both are guesses: see
 * byte-counts.ts.
 */
import { type ByteCounts, hasOpenQuestion } from '../relay/byte-counts.ts';

/** The part of `ByteCounts` that everybody may read. */
export type Counted = Readonly<Omit<ByteCounts, 'note' | 'noted'>>;

/** The result of the samples. All times are those of samples, ms of `performance.now()`. */
export class Activity {
  client = 0;
  member = 0;
  /** The last sample that found new bytes from either. */
  changedAt: number;
  /** The first sample that found the open question; undefined if none is open. */
  waitingSince: number | undefined;
  /** The client's byte count at which that question begins. */
  waitingFrom = 0;
  /** The last sample that found new bytes from the client. */
  askedAt: number;
  /** The last sample that found an answer of the member, or part of one. */
  answeredAt = Number.NEGATIVE_INFINITY;
  /** Bytes from the member since the last question of the client. */
  answer = 0;

  /** @param now when the session opens. */
  constructor(now: number) {
    this.changedAt = now;
    this.askedAt = now;
  }
}

/** Updates the activity with the counts at `now`. */
export function sample(activity: Activity, bytes: Counted, now: number): void {
  const asked = bytes.client - activity.client;
  const answered = bytes.member - activity.member;
  if (asked > 0) activity.askedAt = now;
  if (asked > 0 || answered > 0) activity.changedAt = now;
  if (answered > bytes.wire.acknowledgement) activity.answeredAt = now;
  activity.answer = asked > bytes.wire.idle ? answered : activity.answer + answered;
  activity.client = bytes.client;
  activity.member = bytes.member;
  if (!hasOpenQuestion(bytes)) activity.waitingSince = undefined;
  else if (activity.waitingSince === undefined || activity.waitingFrom !== bytes.clientAtAsk) {
    activity.waitingSince = now;
    activity.waitingFrom = bytes.clientAtAsk;
  }
}

/**
 * After this long without a byte either way, ms, a session is quiet although a question is open. etcd gives
 * up a write after 5 s and two election timeouts, which is 7 s (`ReqTimeout` in its configuration).
 */
const longestCall = 10_000;
/** The same if no question is open and the client sent last, for example an acknowledgement. */
const quietAfterClient = 300;
/** The same if the member sent last. */
const quietAfterMember = 50;

/** Is the session quiet, so that probably no call is in flight? */
export function isQuiet(activity: Readonly<Activity>, bytes: Counted, now: number): boolean {
  const since = now - activity.changedAt;
  if (hasOpenQuestion(bytes)) return since >= longestCall;
  return since >= (bytes.memberSpokeLast ? quietAfterMember : quietAfterClient);
}
