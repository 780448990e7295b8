/**
 * Routing: which members get new connections, and whose sessions must leave, given the health of all.
 *
 * If one member fails, it is that member. If all fail together, it is the cluster (an election, a lost
 * quorum) or this host (cut off). Then every member may be tried and none is evicted (k3s #10240 emptied its
 * list under load and cut its apiserver off).
 *
 * The hung leader is the one exception: no member passes until the others have elected a new leader. But the
 * others answer simpler requests, and the hung leader answers none. While those that answer are a majority,
 * and so able to elect, an absent member gets no connections, and its clients go where the leader will be.
 *
 * Members are probed at different moments. In the first second of an election one may have failed while
 * another was not probed yet and still counts as healthy. So a failure must be corroborated: a member is
 * evicted only if another member passed a check after the failure began, and one passed again a moment
 * later. In that moment every running member had its chance to pass.
 *
 * An excluded member (a learner, a member of another cluster) never gets a connection, nor does one that an
 * operator has drained. Sessions of a drained member are not evicted (proxy/sessions/member-drains.ts).
 *
 * Pure. Derived anew each time, so it is never stale.
 */
import type { Snapshot } from '../balancing/snapshot.ts';
import type { Member } from '../members/member.ts';
import { acceptsNew, isConfirmedFailure, isFailing } from './state/health.ts';

/**
 * - `normal`: at least one member is healthy and eligible.
 * - `starting`: no member is healthy and eligible yet, and some were not checked; or there are no members.
 * - `panic`: all members were checked and none is healthy. All that are not absent are routed to.
 */
export type RoutingMode = 'normal' | 'starting' | 'panic';

/** The part of a member that routing depends on. */
export type RoutedMember = Pick<
  Member,
  'health' | 'checkTimes' | 'ineligibility' | 'isDrained' | 'isUnresponsive' | 'priority'
>;

/** The published snapshot, and its mode. */
export interface Routing<T> extends Snapshot<T> {
  readonly mode: RoutingMode;
}

/**
 * Derives the routing. Without members the mode is `starting` and all lists are empty. Never evicts all.
 *
 * @param moment how long after the first corroborating pass the second must come, ms. A member counts as
 * present once it has answered for this long.
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
      // All that may be there, of any priority.
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
 * Does the member fail, and has another passed a check since the failure began?
 *
 * @param until the latest time of that pass, ms since the epoch.
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

/** Is the member healthy, eligible and not drained, so that new connections may go there? */
export function serves({ health, ineligibility, isDrained }: RoutedMember): boolean {
  return acceptsNew(health) && ineligibility === undefined && !isDrained;
}

/**
 * May new connections go to the member, apart from its health? A drained member gets none even if all others
 * fail: the operator may have wiped its disk by now.
 */
export function mayServe({ ineligibility, isDrained }: RoutedMember): boolean {
  return !ineligibility?.isExcluded && !isDrained;
}

/** Is the member the hung leader, and is there another member to go to? */
function isHung({ isUnresponsive }: RoutedMember, all: readonly RoutedMember[]): boolean {
  return isUnresponsive && all.some((each) => !each.isUnresponsive && mayServe(each));
}

/** Has the member answered nothing since its failure began, while a majority of all members has answered? */
function isAbsent(
  { health, checkTimes }: RoutedMember,
  all: readonly RoutedMember[],
  moment: number,
): boolean {
  if (!isConfirmedFailure(health)) return false;
  const { since } = health.evidence;
  if (checkTimes.answeredAt !== undefined && checkTimes.answeredAt >= since) return false;
  // Members that have only just begun to answer may be the first of all to resume after a pause.
  const present = all.filter(
    ({ checkTimes: { answeredAt, answersSince } }) =>
      answeredAt !== undefined &&
      answersSince !== undefined &&
      answeredAt >= Math.max(since, answersSince) + moment,
  );
  return present.length > all.length / 2;
}
