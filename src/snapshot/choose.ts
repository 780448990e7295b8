/**
 * Which member a snapshot is taken from: one that serves, not the leader, least behind, with the fewest sessions. Pure.
 */

/** What is known of a member, whoever asked it. */
export interface Candidate {
  readonly name: string;
  /** Does it pass its checks, of the cluster that most are of, without the alarm CORRUPT? */
  readonly isHealthy: boolean;
  /** A learner refuses. */
  readonly isLearner: boolean;
  readonly isLeader: boolean;
  /** The last entry of the log that it has applied; `undefined` while it does not tell. */
  readonly appliedIndex: number | undefined;
  /** Open now; 0 where nobody counts them. */
  readonly sessions: number;
}

/** Entries that are no lag: members are asked one after the other while others write. */
const sameLag = 1_000;

/** The best first. Members that are not healthy come last, for when no other is left; learners never. */
export function inOrderOfChoice<T extends Candidate>(candidates: readonly T[]): T[] {
  const most = Math.max(0, ...candidates.map(({ appliedIndex = 0 }) => appliedIndex));
  const lag = ({ appliedIndex }: T): number =>
    appliedIndex === undefined
      ? Number.POSITIVE_INFINITY
      : Math.floor((most - appliedIndex) / sameLag);
  return candidates
    .filter(({ isLearner }) => !isLearner)
    .toSorted(
      (a, b) =>
        Number(b.isHealthy) - Number(a.isHealthy) ||
        Number(a.isLeader) - Number(b.isLeader) ||
        compare(lag(a), lag(b)) ||
        a.sessions - b.sessions,
    );
}

/** Not by a difference, which of two infinities is no number. */
function compare(a: number, b: number): number {
  return a === b ? 0 : a < b ? -1 : 1;
}
