/** How far a member's log is behind, from what the status says. Pure; the status page and `etcd-lb status` show it. */
import type { MemberReport } from './status.ts';

/** How many entries of the raft log it is behind the leader, as the balancer counts; `undefined` if not known. */
export function lagOf(member: MemberReport, members: readonly MemberReport[]): number | undefined {
  const { etcd, unknown } = member;
  if (etcd === undefined || unknown !== undefined) return undefined;
  const leader = members.find((each) => each.etcd && each.etcd.memberId === etcd.leaderId)?.etcd;
  if (leader === undefined) return undefined;
  // Entries that came in after this member was polled are no lag.
  if (Date.parse(etcd.at) < Date.parse(leader.at)) return 0;
  return Math.max(0, leader.appliedIndex - etcd.appliedIndex);
}
