/**
 * Rebalancing: which member gives up sessions, and how many now. A member that recovers gets few connections,
 * since etcd's clients keep theirs. So a few sessions at a time are moved away from the fullest member, and
 * their clients reconnect to the emptiest.
 *
 * A pure plan. proxy/sessions/rebalancer.ts chooses sessions that can be closed without cutting a call.
 */

/** The part of a member that the plan depends on. */
export interface MemberShare {
  readonly healthy: boolean;
  readonly sessions: number;
  /** Its share in relation to the others, as in `Member.weight`. */
  readonly weight: number;
  /** Sessions moved away from it in the last minute. */
  readonly moved: number;
}

export interface RebalanceRules {
  /** By how many sessions two members may differ before any is moved; at least 1. */
  readonly spread: number;
  /** The part of a member's sessions that may be moved in a minute; 0 to 1. */
  readonly perMinute: number;
}

export interface Move {
  /** The index of the member that gives up sessions. */
  readonly from: number;
  /** Sessions to move now; at least 1. */
  readonly count: number;
}

/** The part of a member's excess that is moved at a time: a large excess takes 50 steps. */
const step = 1 / 50;

/**
 * The next move, or `undefined` if the members are balanced, or while any member is not healthy.
 *
 * @param inTransit moved sessions whose clients have not returned yet; they are expected at the emptiest
 * member.
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

/** By how many sessions each member exceeds its share; negative if it has too few. */
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
