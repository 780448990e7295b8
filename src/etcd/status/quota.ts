/** How full a member's database is. Pure. */
import type { MemberStatus } from './member-status.ts';

/** Shares of the quota. etcd refuses writes at all of it. */
export const nearQuota = 0.8;
export const atQuota = 0.95;

/** The share of the quota that the database takes; `undefined` where the quota is not known. */
export function quotaShare({
  dbSize,
  dbQuota,
}: Pick<MemberStatus, 'dbSize' | 'dbQuota'>): number | undefined {
  return dbQuota === undefined ? undefined : dbSize / dbQuota;
}

/** The quota in the text of `/metrics`, bytes; `undefined` where there is none, which etcd writes as 0 or below. */
export function quotaIn(text: string): number | undefined {
  const [, value] = /^etcd_server_quota_backend_bytes (\S+)$/m.exec(text) ?? [];
  const quota = Number(value);
  return quota > 0 && quota < Number.POSITIVE_INFINITY ? quota : undefined;
}
