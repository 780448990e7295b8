/**
 * What the members' health means together: who gets new connections and whose must leave.
 *
 * One member failing is that member; all failing together is the cluster (an election, a lost
 * quorum, this host cut off), and then what was good last is kept: everybody may be tried and
 * nobody is evicted (k3s #10240 emptied its list under load and cut its apiserver off).
 *
 * With one exception, the hung leader: nobody passes until the others have elected another, but they
 * do answer simpler questions and it answers none. While those that answer are a majority, and so
 * able to elect, a member that is absent is left aside and its clients go where the leader will be.
 *
 * Members are checked at different moments, so in the first second of an election one may have
 * failed while another was not asked yet and still counts as healthy. Hence a failure is to be
 * corroborated: a member is evicted only when another one passed a check after the failure had begun,
 * and one passed again a moment later, in which every member that lives had its chance to pass as well.
 *
 * Who is excluded (a learner, a member of another cluster) never gets a connection, not even then, nor
 * does a member that an operator has drained. The sessions of the latter are not evicted but leave in
 * their own time (proxy/sessions/member-drains.ts).
 *
 * Pure, and derived afresh every time, so it cannot go stale.
 */
import type { Snapshot } from '../balancing/snapshot.ts';
import type { Member } from '../members/member.ts';
import { acceptsNew, isConfirmedFailure, isFailing } from './state/health.ts';

/**
 * - `normal`: at least one member is healthy and eligible.
 * - `starting`: none is yet, and some have not been checked, or nobody knows of any member.
 * - `panic`: every member was checked and none is healthy; all are routed to that are not absent.
 */
export type RoutingMode = 'normal' | 'starting' | 'panic';

/** What is known of a member. */
export type RoutedMember = Pick<
  Member,
  'health' | 'checkTimes' | 'ineligibility' | 'isDrained' | 'isUnresponsive' | 'priority'
>;

/** What is published, and why. */
export interface Routing<T> extends Snapshot<T> {
  readonly mode: RoutingMode;
}

/**
 * Derives the routing. An empty list gives mode `starting` and empty answers. Never evicts all.
 *
 * @param moment how long after the first pass of another there has to be a second, ms; who is present is
 * so for at least as long.
 */
export function route<T extends RoutedMember>(members: readonly T[], moment: number): Routing<T> {
  const all = members.filter(mayServe);
  const serving = members.filter(serves);
  if (serving.length === 0) {
    const isStarting =
      members.length === 0 || members.some(({ health }) => health.state === 'unknown');
    const absent = members.filter(
      (member) => !isStarting && (isHung(member, members) || isAbsent(member, members, moment)),
    );
    return {
      mode: isStarting ? 'starting' : 'panic',
      // Whoever may be there, of whatever class.
      routable: all.filter((member) => !absent.includes(member)),
      all,
      evicted: new Set(absent),
    };
  }
  const lastPass = Math.max(...serving.flatMap(({ checkTimes }) => checkTimes.passes.at(-1) ?? []));
  const first = Math.min(...serving.map(({ priority }) => priority));
  const mustLeave = (member: T): boolean => {
    const isConfirmed =
      isConfirmedFailure(member.health) && isCorroborated(member, members, lastPass - moment);
    return member.ineligibility?.isExcluded || isConfirmed || isHung(member, members);
  };
  return {
    mode: 'normal',
    routable: serving.filter(({ priority }) => priority === first),
    all,
    evicted: new Set(members.filter(mustLeave)),
  };
}

/**
 * Does it fail, and has another member passed a check since that began?
 *
 * @param until by when that has to have been, ms since the epoch.
 */
export function isCorroborated(
  member: RoutedMember,
  all: readonly RoutedMember[],
  until = Number.POSITIVE_INFINITY,
): boolean {
  const { health } = member;
  if (!isFailing(health)) return false;
  const { since } = health.evidence;
  return all.some(
    (other) => other !== member && other.checkTimes.passes.some((at) => at >= since && at <= until),
  );
}

/** Is it healthy, eligible and not drained, so that new connections may go there? */
export function serves({ health, ineligibility, isDrained }: RoutedMember): boolean {
  return acceptsNew(health) && ineligibility === undefined && !isDrained;
}

/**
 * May new connections go there as far as its checks are not concerned? A drained member gets none even
 * when all others fail: whoever drained it may have wiped its disk by now.
 */
export function mayServe({ ineligibility, isDrained }: RoutedMember): boolean {
  return !ineligibility?.isExcluded && !isDrained;
}

/** Is it the leader that hangs, and is there anybody else to go to? */
function isHung({ isUnresponsive }: RoutedMember, all: readonly RoutedMember[]): boolean {
  return isUnresponsive && all.some((each) => !each.isUnresponsive && mayServe(each));
}

/** Has it answered nothing since it began to fail, while a majority of all members has? */
function isAbsent(
  { health, checkTimes }: RoutedMember,
  all: readonly RoutedMember[],
  moment: number,
): boolean {
  if (!isConfirmedFailure(health)) return false;
  const { since } = health.evidence;
  if (checkTimes.answeredAt !== undefined && checkTimes.answeredAt >= since) return false;
  // Those that have only just begun to answer may be the first of all to go on after a stop.
  const present = all.filter(
    ({ checkTimes: { answeredAt, answersSince } }) =>
      answeredAt !== undefined &&
      answersSince !== undefined &&
      answeredAt >= Math.max(since, answersSince) + moment,
  );
  return present.length > all.length / 2;
}
