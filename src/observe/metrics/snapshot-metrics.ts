/** Metrics of scheduled snapshots. */
import type { SnapshotView } from '../../snapshot/schedule/scheduled.ts';
import type { ReadMetric } from './read-metrics.ts';

export const snapshotMetrics: readonly ReadMetric[] = [
  {
    name: 'etcd_lb_snapshot_interval_seconds',
    help: 'The time between two scheduled snapshots, --snapshot-every; no series where there is no schedule.',
    read: ofSnapshots(({ every }) => every / 1000),
  },
  {
    name: 'etcd_lb_snapshot_last_success_timestamp_seconds',
    help: 'When the newest snapshot in --snapshot-dir was begun, in seconds since 1970; 0 for none. Of several balancers of a cluster one takes each.',
    read: ofSnapshots(({ newestAt = 0 }) => newestAt / 1000),
  },
  {
    name: 'etcd_lb_snapshot_size_bytes',
    help: 'The size of the last snapshot that this balancer has taken since it started.',
    read: ofSnapshots(({ last }) => last?.size),
  },
  {
    name: 'etcd_lb_snapshot_duration_seconds',
    help: 'How long the last snapshot took that this balancer has taken since it started.',
    read: ofSnapshots(({ last }) => last && last.durationMs / 1000),
  },
];

/** One value of the schedule of snapshots; no series where there is none. */
function ofSnapshots(value: (view: SnapshotView) => number | undefined): ReadMetric['read'] {
  return ({ snapshots }) => {
    const view = snapshots();
    const found = view && value(view);
    return found === undefined ? [] : [[found]];
  };
}
