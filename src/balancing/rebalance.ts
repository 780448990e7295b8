/**
 * Rebalancing: who gives up sessions, and how many at this moment. A member that comes back gets no
 * connection by itself, since etcd's clients keep those they have; so a few at a time are closed on
 * the fullest member, and their clients come back to the emptiest.
 *
 * A pure plan. Which sessions may be closed without cutting a call is for others to say, and with
 * it whether the plan can be carried out (proxy/sessions/rebalancer.ts).
 */

/** What the plan has to know of a member. */
export interface MemberShare {
  readonly healthy: boolean;
  readonly sessions: number;
  /** Its due against the others', as in `Member.weight`. */
  readonly weight: number;
  /** Sessions taken from it in the last minute. */
  readonly moved: number;
}

export interface RebalanceRules {
  /** How far two members may be apart, in sessions, before any is moved; 1 or more. */
  readonly spread: number;
  /** The part of a member's sessions that may be moved in a minute; 0 to 1. */
  readonly perMinute: number;
}

export interface Move {
  /** Index of the member that gives. */
  readonly from: number;
  /** Sessions to take from it now; 1 or more. */
  readonly count: number;
}

/** Of what a member has too many, this part is moved at a time: a large excess takes 50 steps. */
const step = 1 / 50;

/**
 * The next move, or `undefined` when all is well or must be left alone: nothing is moved while any
 * member is not healthy.
 *
 * @param inTransit sessions that were closed and whose clients are not back yet; they are expected
 * at the emptiest member.
 */
export function planMove(
  members: readonly MemberShare[],
  inTransit: number,
  rules: RebalanceRules,
): Move | undefined {
  if (members.some((member) => !member.healthy)) return undefined;
  const excesses = excessesOf(members, inTransit);
  const shortage = -Math.min(...excesses) - inTransit;
  let move: Move | undefined;
  let most = 0;
  for (const [from, { sessions, moved }] of members.entries()) {
    const excess = excesses[from] ?? 0;
    const allowed = Math.floor(rules.perMinute * (sessions + moved)) - moved;
    if (excess <= most || excess + shortage <= rules.spread || allowed < 1) continue;
    most = excess;
    move = { from, count: Math.min(allowed, Math.max(1, Math.floor(excess * step))) };
  }
  return move;
}

/** By how many sessions each member is above its share; below 0 for those that have too few. */
export function excessesOf(
  members: readonly Pick<MemberShare, 'sessions' | 'weight'>[],
  inTransit = 0,
): number[] {
  const total = inTransit + sum(members.map((member) => member.sessions));
  const weights = sum(members.map((member) => member.weight));
  return members.map((member) => member.sessions - (total * member.weight) / weights);
}

function sum(numbers: readonly number[]): number {
  return numbers.reduce((total, number) => total + number, 0);
}
