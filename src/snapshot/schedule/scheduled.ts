/** Scheduled snapshots as plain data, for `/status`, metrics and events. */

/** What it saved. `durationMs` is without the choice of the member. */
export interface Saved {
  readonly file: string;
  readonly from: string;
  readonly size: number;
  readonly durationMs: number;
  /** Absent where the pages cannot be read. */
  readonly revision?: number;
}

/** Times are in ms since the epoch. */
export interface SnapshotView {
  readonly dir: string;
  readonly every: number;
  /** When the next one is due; undefined while one is taken. */
  readonly nextAt: number | undefined;
  /** The last one of this balancer, since it started; undefined for none. */
  readonly last: (Saved & { readonly at: number }) | undefined;
  /** When the newest one in the folder was begun; undefined for none. */
  readonly newestAt: number | undefined;
  /** Why the last attempt failed, one sentence; undefined where it did not. */
  readonly failure: string | undefined;
}
