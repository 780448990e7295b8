/** Findings about each member's database: how near its quota it is, and how much room is unused. */

import { atQuota, nearQuota } from '../../etcd/status/quota.ts';
import { formatBytes } from '../../lib/text/quantities.ts';
import type { Finding } from '../finding.ts';
import type { Observation } from '../observation.ts';
import { numberOf } from '../probes/exposition.ts';

/** A smaller database is not worth the pause that defragmenting is, bytes. */
const worthwhile = 100e6;

export function findInDatabases(observations: readonly Observation[]): Finding[] {
  return observations.flatMap((each) => [...findQuota(each), ...findRoom(each)]);
}

function* findQuota({ name: subject, endpoint, poll, metrics }: Observation): Iterable<Finding> {
  if (poll.kind === 'unknown' || metrics.kind === 'unread') return;
  const { dbSize, dbSizeInUse } = poll.status;
  const quota = numberOf(metrics.samples, 'etcd_server_quota_backend_bytes') ?? 0;
  if (quota <= 0 || dbSize < quota * nearQuota) return; // without a quota it is 0 or below
  yield {
    severity: dbSize < quota * atQuota ? 'warning' : 'error',
    subject,
    seen: `the database takes ${formatBytes(dbSize)}, ${Math.round((dbSize / quota) * 100)} % of its quota of ${formatBytes(quota)}`,
    why: 'When one member reaches its quota, the whole cluster refuses to write.',
    mend: isSparse(dbSize, dbSizeInUse)
      ? `Run \`etcdctl --endpoints ${endpoint} defrag\`: only ${formatBytes(dbSizeInUse)} hold data.`
      : "Run `etcdctl compact` and then `etcdctl defrag` for each member, or raise etcd's --quota-backend-bytes.",
  };
}

function* findRoom({ name: subject, endpoint, poll }: Observation): Iterable<Finding> {
  if (poll.kind === 'unknown') return;
  const { dbSize, dbSizeInUse } = poll.status;
  if (dbSize <= worthwhile || !isSparse(dbSize, dbSizeInUse)) return;
  yield {
    severity: 'note',
    subject,
    seen: `${formatBytes(dbSizeInUse)} of the ${formatBytes(dbSize)} that the database takes hold data`,
    why: 'The rest counts for the quota until the database is defragmented.',
    mend: `Run \`etcdctl --endpoints ${endpoint} defrag\`, one member at a time and the leader last, since the member answers nothing meanwhile.`,
  };
}

function isSparse(size: number, inUse: number): boolean {
  return inUse < size / 2;
}
