/**
 * Eligibility: may a member serve clients at all, whatever its checks say? A learner, a member of another
 * cluster, a lagging member and one with corrupt data may all pass every check.
 *
 * Pure; follows from its own status and those of the others. routing.ts acts on it.
 */
import type { MemberStatus } from './member-status.ts';

/** Why a member is ineligible. Used as a metric label. */
export const ineligibleReasons = ['learner', 'other-cluster', 'corrupt', 'lagging'] as const;
export type IneligibleReason = (typeof ineligibleReasons)[number];

export interface Ineligibility {
  readonly reason: IneligibleReason;
  /** One clause without a full stop. */
  readonly detail: string;
  /** True: its sessions must leave, and it gets no connections even if no member is healthy. */
  readonly isExcluded: boolean;
}

export const learner: Ineligibility = {
  reason: 'learner',
  detail: 'it is a learner, which refuses most calls until it is promoted',
  isExcluded: true,
};

/**
 * Why a member is ineligible; `undefined` if it is eligible.
 *
 * @param status that of the member.
 * @param clusterId that of the cluster view, if there is one.
 * @param leader the status of the leader, if known.
 * @param maxLag how many entries it may be behind the leader; 0 for any number.
 */
export function ineligibilityOf(
  status: MemberStatus,
  clusterId: string | undefined,
  leader: MemberStatus | undefined,
  maxLag: number,
): Ineligibility | undefined {
  if (clusterId !== undefined && status.clusterId !== clusterId) {
    return {
      reason: 'other-cluster',
      detail: `it belongs to cluster ${status.clusterId} and clients to ${clusterId}; is its address right, or was it restored from a backup by itself?`,
      isExcluded: true,
    };
  }
  if (status.isLearner) return learner;
  const isCorrupt = status.alarms.some(
    ({ kind, memberId }) => kind === 'CORRUPT' && memberId === status.memberId,
  );
  if (isCorrupt) {
    return {
      reason: 'corrupt',
      detail: 'its data differs from that of the others (alarm CORRUPT); replace the member',
      isExcluded: true,
    };
  }
  const lag = leader === undefined ? 0 : lagBehind(leader, status);
  if (maxLag > 0 && lag > maxLag) {
    return {
      reason: 'lagging',
      detail: `it is ${lag} entries behind the leader, more than max-lag allows (${maxLag})`,
      isExcluded: false,
    };
  }
  return undefined;
}

/**
 * Entries that the leader has applied and this member has not. 0 if the member was asked before the leader:
 * entries in between are not lag.
 */
function lagBehind(leader: MemberStatus, status: MemberStatus): number {
  return status.at < leader.at ? 0 : Math.max(0, leader.appliedIndex - status.appliedIndex);
}
