/**
 * What the load process is told and what it tells: plain data between two processes.
 *
 * Times are ms since the epoch by the monotonic clock of each process (see `now`), which the
 * processes of one machine share to well under a millisecond.
 */

import type { Where } from './client.ts';

/** How much of what, against which addresses. */
export interface LoadPlan extends Where {
  /** What its keys begin with: two loads at a time must not share any. */
  readonly keys: string;
  /** etcd3 clients that get and put in turn, each with a connection of its own. */
  readonly requesters: number;
  /** ms between two requests of one of them, sent on time whatever became of earlier ones. */
  readonly every: number;
  /** A request that takes longer is given up, ms. */
  readonly patience: number;
  /** etcd3 clients that watch what one requester writes. */
  readonly watchers: number;
  /** etcd3 clients that keep a lease alive. */
  readonly leases: number;
  /** Time to live of every lease, s. */
  readonly leaseSeconds: number;
  /** The Go client; absent where there is no etcdctl. */
  readonly go?: GoPlan;
}

/**
 * The clients of every run, with those of etcdctl 25 long-lived connections. A lease outlives what
 * an outage of 5 s, an election and a keep-alive that was lost in them take together.
 */
export const clients = {
  ...{ requesters: 12, every: 100, patience: 5_000 },
  ...{ watchers: 4, leases: 4, leaseSeconds: 15 },
  keys: 'faults',
} as const;

export interface GoPlan {
  readonly etcdctl: string;
  /** `etcdctl watch`, each on what one requester writes. */
  readonly watchers: number;
  /** `etcdctl lease keep-alive`. */
  readonly leases: number;
  /** ms between two one-shot `etcdctl put`; each dials anew. */
  readonly every: number;
}

/** One request, when it was over. */
export interface Sample {
  /** `node 0`, `node 1`, … or `etcdctl`. */
  readonly client: string;
  readonly kind: 'get' | 'put';
  readonly startedAt: number;
  readonly endedAt: number;
  readonly error?: string;
}

/** What one watcher saw of one writer. */
export interface WatchRecord {
  readonly watcher: string;
  readonly writer: string;
  /** Every value in the order of arrival, and when it came. */
  readonly seen: readonly { readonly value: number; readonly at: number }[];
  /** It saw from this value of the writer on. */
  readonly from: number;
}

export interface LoadRecord {
  readonly samples: readonly Sample[];
  readonly watches: readonly WatchRecord[];
  /** Per writer, the values whose put etcd confirmed. */
  readonly confirmed: Readonly<Record<string, readonly number[]>>;
  readonly leases: number;
  /** Leases that a client was told are gone, and when (ISO 8601). */
  readonly leasesLost: readonly string[];
}

/** To the load process. */
export type Order = { readonly kind: 'start'; readonly plan: LoadPlan } | { readonly kind: 'stop' };

/** From the load process. */
export type Reply =
  | { readonly kind: 'started' }
  | { readonly kind: 'failed'; readonly reason: string }
  | { readonly kind: 'record'; readonly record: LoadRecord };

/** Now, in ms since the epoch, never stepped while the process runs. */
export function now(): number {
  return performance.timeOrigin + performance.now();
}
