/** Sentences about scheduled snapshots. */
import { formatBytes, formatSeconds } from '../../../lib/text/quantities.ts';
import { error, info, warn } from './sentence.ts';

interface SnapshotSaved {
  file: string;
  /** The member. */
  from: string;
  /** Bytes. */
  size: number;
  durationMs: number;
  revision?: number;
  /** Why other balancers could not be told, one clause: they may have taken one as well. */
  unclaimed: string | undefined;
}

export const snapshotEvents = {
  /** "saved a snapshot of m1 as /backup/etcd-….db: 120 MB in 1.4 s, revision 4711" */
  'snapshot-saved': (saved: SnapshotSaved) => {
    const { file, from, size, durationMs, revision, unclaimed } = saved;
    const took = `${formatBytes(size)} in ${formatSeconds(durationMs)}`;
    const known = revision === undefined ? '' : `, revision ${revision}`;
    const alone = unclaimed && `; other balancers may have taken one too, since ${unclaimed}`;
    const write = unclaimed === undefined ? info : warn;
    return write(`saved a snapshot of ${from} as ${file}: ${took}${known}${alone ?? ''}`, {
      ...{ file, member: from, size, durationMs, revision, unclaimed },
    });
  },
  'snapshot-failed': ({ why }: { why: string }) =>
    error(`a scheduled snapshot was not saved: ${why.replace(/\.$/, '')}`, { why }),
  /** `by`: the name of the balancer that took the one that was due. */
  'snapshot-skipped': ({ by }: { by: string }) =>
    info(`the snapshot that was due was taken by ${by}`, { by }),
};
