/** Scheduled snapshots in `/status`. Pure. */
import { iso } from '../lib/time/iso.ts';
import type { Saved, SnapshotView } from '../snapshot/schedule/scheduled.ts';

/** Scheduled snapshots; the fields of `SnapshotView`, with times in ISO 8601. */
export interface SnapshotStatus {
  readonly dir: string;
  readonly everyMs: number;
  /** Absent while one is taken. */
  readonly nextAt?: string | undefined;
  readonly newestAt?: string | undefined;
  readonly last?: (Saved & { readonly at: string }) | undefined;
  readonly failure?: string | undefined;
}

export function snapshotStatus(view: SnapshotView | undefined): SnapshotStatus | undefined {
  if (view === undefined) return undefined;
  const { dir, every, nextAt, newestAt, last, failure } = view;
  return {
    ...{ dir, everyMs: every, failure },
    ...{ nextAt: iso(nextAt), newestAt: iso(newestAt) },
    last: last && { ...last, at: iso(last.at) },
  };
}
