/**
 * Standing: may a member serve clients at all, whatever its checks say? A learner, a member of another
 * cluster, one that lags far behind or whose data is corrupt may well answer every check.
 *
 * Pure, from its facts and those of the others. Leaves to routing.ts what is done about it.
 */
import type { MemberStatus } from './member-status.ts';

/** Why a member is not fit to serve. Used as a metric label. */
export const ineligibleReasons = ['learner', 'other-cluster', 'corrupt', 'lagging'] as const;
export type IneligibleReason = (typeof ineligibleReasons)[number];

export interface Ineligibility {
  readonly reason: IneligibleReason;
  /** One clause without a full stop. */
  readonly detail: string;
  /** Is it so unfit that nothing may ever go there, and what is there must leave? */
  readonly barred: boolean;
}

export const learner: Ineligibility = {
  reason: 'learner',
  detail: 'it is a learner, which refuses most calls until it is promoted',
  barred: true,
};

/**
 * Why this member must not serve; `undefined` when it may.
 *
 * @param facts its own.
 * @param clusterId that of the majority, if there is one.
 * @param leader the facts of the leader, if they are known.
 * @param maxLag entries it may be behind the leader; 0 for any number.
 */
export function ineligibilityOf(
  facts: MemberStatus,
  clusterId: string | undefined,
  leader: MemberStatus | undefined,
  maxLag: number,
): Ineligibility | undefined {
  if (clusterId !== undefined && facts.clusterId !== clusterId) {
    return {
      reason: 'other-cluster',
      detail: `it belongs to cluster ${facts.clusterId} and most others to ${clusterId}; is its address right, or was it restored from a backup by itself?`,
      barred: true,
    };
  }
  if (facts.isLearner) return learner;
  const isCorrupt = facts.alarms.some(
    ({ kind, memberId }) => kind === 'CORRUPT' && memberId === facts.memberId,
  );
  if (isCorrupt) {
    return {
      reason: 'corrupt',
      detail: 'its data differs from that of the others (alarm CORRUPT); replace the member',
      barred: true,
    };
  }
  const lag = leader === undefined ? 0 : lagBehind(leader, facts);
  if (maxLag > 0 && lag > maxLag) {
    return {
      reason: 'lagging',
      detail: `it is ${lag} entries behind the leader, more than max-lag allows (${maxLag})`,
      barred: false,
    };
  }
  return undefined;
}

/**
 * Entries that the leader has applied and this member has not. 0 when the member was asked before the
 * leader was, since what came in between is no lag.
 */
function lagBehind(leader: MemberStatus, facts: MemberStatus): number {
  return facts.at < leader.at ? 0 : Math.max(0, leader.appliedIndex - facts.appliedIndex);
}
