/**
 * Activity: what can be told of a session from its byte counts alone, sampled a few times a second. The byte
 * path stores two numbers and a flag; everything else is found out here, later.
 *
 *   quiet     nothing in flight, as far as can be seen: it may be closed without cutting a call
 *   waiting   the client has sent something and the member has said nothing since
 *
 * Its session writes it (`Session.sample`), whoever the member is; everybody else reads. Bytes are opaque, so
 * both are guesses: see byte-counts.ts.
 */
import { type ByteCounts, hasOpenQuestion } from '../relay/byte-counts.ts';

/** What anybody may see of `ByteCounts`. */
export type Counted = Readonly<Omit<ByteCounts, 'note' | 'noted'>>;

/** What the samples have shown. All times are ms of `performance.now()`, those of samples. */
export class Activity {
  client = 0;
  member = 0;
  /** The last sample that found new bytes from either. */
  changedAt: number;
  /** The first sample that found a question with no answer since. */
  waitingSince: number | undefined;
  /** Where in what the client has said that question begins. */
  waitingFrom = 0;
  /** The last sample that found new bytes from the client. */
  askedAt: number;
  /** The last sample that found an answer of the member, or a part of one. */
  answeredAt = Number.NEGATIVE_INFINITY;
  /** What the member has said since the client asked last, bytes. */
  answer = 0;

  /** For a session that opens at `now`. */
  constructor(now: number) {
    this.changedAt = now;
    this.askedAt = now;
  }
}

/** Takes in the counts at `now`. */
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
 * A question may be open for this long, ms, without a byte either way. etcd gives up a write after 5 s and
 * two election timeouts, which is 7 s (`ReqTimeout` in its configuration).
 */
const longestCall = 10_000;
/** The same when nothing is asked and the client spoke last, as with an acknowledgement. */
const quietAfterClient = 300;
/** The same when the member has spoken last. */
const quietAfterMember = 50;

/** Is it likely that no call is in flight? */
export function isQuiet(activity: Readonly<Activity>, bytes: Counted, now: number): boolean {
  const since = now - activity.changedAt;
  if (hasOpenQuestion(bytes)) return since >= longestCall;
  return since >= (bytes.memberSpokeLast ? quietAfterMember : quietAfterClient);
}
