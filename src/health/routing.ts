/**
 * What the members' verdicts mean together: who gets new connections and whose must leave.
 *
 * One member failing is that member; all failing together is the cluster (an election, a lost
 * quorum, this host cut off), and then the last good picture is kept: everybody may be tried and
 * nobody is evicted (k3s #10240 emptied its list under load and cut its apiserver off).
 *
 * With one exception, the hung leader: nobody passes until the others have elected another, but they
 * do answer simpler questions and it answers none. While those that answer are a majority, and so
 * able to elect, a member that is absent is left aside and its clients go where the leader will be.
 *
 * Members are checked at different moments, so in the first second of an election one may have
 * failed while another was not asked yet and still counts as healthy. Hence the witness: a member is
 * evicted only when another one passed a check after the failure had begun, and passed one again a
 * moment later, in which every member that lives had its chance to pass as well.
 *
 * Who is barred (a learner, a member of another cluster) never gets a connection, not even then, nor
 * does a member that an operator has drained. The sessions of the latter are not evicted but leave in
 * their own time (proxy/sessions/member-drains.ts).
 *
 * Pure, and derived afresh every time, so it cannot go stale.
 */
import type { Ineligibility } from '../etcd/eligibility.ts';
import { acceptsNew, type Health, isConfirmedFailure } from './health.ts';

/**
 * - `normal`: at least one member is healthy and fit.
 * - `starting`: none is yet, and some have not been checked, or nobody knows of any member.
 * - `panic`: every member was checked and none is healthy; all are routed to that are not absent.
 */
export type RoutingMode = 'normal' | 'starting' | 'panic';

/** What is known of a member. Times are ms since the epoch. */
export interface RoutedMember {
  readonly health: Health;
  /** Why it must not serve although its checks may pass; see eligibility.ts. */
  readonly unfit?: Ineligibility | undefined;
  /** Has an operator asked for it to be drained? Then nothing new goes there, however it is. */
  readonly drained?: boolean;
  /** Does it answer nothing, as the leader that others cannot reach either? See leader/hold.ts. */
  readonly unresponsive?: boolean;
  /** When it last passed a check. */
  readonly passedAt: number | undefined;
  /** While it fails: when another member passed a check for the first time since that began. */
  readonly witnessedAt: number | undefined;
  /** When it last answered anything, good or bad. */
  readonly answeredAt: number | undefined;
  /** Since when no check of it has gone by without any answer. */
  readonly answersSince: number | undefined;
}

/** Answers in the order of the members given. */
export interface Routing {
  readonly mode: RoutingMode;
  /** May new connections go to this member? */
  readonly routable: readonly boolean[];
  /** Must this member's connections leave? Never true of all. */
  readonly evict: readonly boolean[];
}

/**
 * Derives the routing. An empty list gives mode `starting` and empty answers.
 *
 * @param moment how long after the first witness there has to be another, ms; who is present is so
 * for at least as long.
 */
export function route(members: readonly RoutedMember[], moment: number): Routing {
  const serving = members.filter(serves);
  if (serving.length === 0) {
    const starting =
      members.length === 0 || members.some(({ health }) => health.state === 'unknown');
    const absent = members.map(
      (member) => !starting && (isLost(member, members) || isAbsent(member, members, moment)),
    );
    return {
      mode: starting ? 'starting' : 'panic',
      routable: members.map((member, index) => !absent[index] && mayServe(member)),
      evict: absent,
    };
  }
  const lastPass = Math.max(...serving.map(({ passedAt }) => passedAt ?? Number.NEGATIVE_INFINITY));
  return {
    mode: 'normal',
    routable: members.map(serves),
    evict: members.map((member) => {
      const { health, witnessedAt } = member;
      const isWitnessed = witnessedAt !== undefined && lastPass - witnessedAt >= moment;
      const isConfirmed = isConfirmedFailure(health) && isWitnessed;
      return isBarred(member) || isConfirmed || isLost(member, members);
    }),
  };
}

/** Is it healthy, fit and not drained, so that new connections may go there? */
export function serves({
  health,
  unfit,
  drained,
}: Pick<RoutedMember, 'health' | 'unfit' | 'drained'>): boolean {
  return acceptsNew(health) && unfit === undefined && drained !== true;
}

/**
 * May new connections go there as far as its checks are not concerned? A drained member gets none even
 * when all others fail: whoever drained it may have wiped its disk by now.
 */
export function mayServe(member: Pick<RoutedMember, 'unfit' | 'drained'>): boolean {
  return !isBarred(member) && member.drained !== true;
}

/** May nothing ever go there as things stand, not even while nobody is healthy? */
function isBarred({ unfit }: Pick<RoutedMember, 'unfit'>): boolean {
  return unfit?.barred === true;
}

/** Is it the leader that hangs, and is there anybody else to go to? */
function isLost({ unresponsive }: RoutedMember, all: readonly RoutedMember[]): boolean {
  return unresponsive === true && all.some((each) => each.unresponsive !== true && mayServe(each));
}

/** Has it answered nothing since it began to fail, while a majority of all members has? */
function isAbsent(
  { health, answeredAt = Number.NEGATIVE_INFINITY }: RoutedMember,
  all: readonly RoutedMember[],
  moment: number,
): boolean {
  if (!isConfirmedFailure(health) || answeredAt >= health.evidence.since) return false;
  const { since } = health.evidence;
  // Those that have only just begun to answer may be the first of all to go on after a stop.
  const present = all.filter(
    (each) =>
      each.answeredAt !== undefined &&
      each.answersSince !== undefined &&
      each.answeredAt >= Math.max(since, each.answersSince) + moment,
  );
  return present.length > all.length / 2;
}
