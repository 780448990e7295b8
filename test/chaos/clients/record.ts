/**
 * What clients write down while they work: the history that is checked later. Plain data, a line of JSON
 * each, so that clients may be processes of their own.
 *
 * All times are ms since 1970 with fractions, by `performance.timeOrigin + performance.now()`, so that
 * those of several processes of one machine can be laid side by side.
 */

/** One call, from the moment it was asked until its answer, its error or its deadline. */
export interface CallRecord {
  readonly kind: 'call';
  /** Whose it is, such as `register 3`. One client has one call in flight at a time. */
  readonly client: string;
  readonly op: 'put' | 'get' | 'swap' | 'range';
  /** The key; of a range its prefix. */
  readonly key: string;
  /** What was to be written, by `put` and `swap`; no value is written twice. */
  readonly value?: string;
  /** What `swap` expects to find; null where it expects no key. */
  readonly expected?: string | null;
  readonly begun: number;
  readonly ended: number;
  /** Absent where it was answered. What failed may have been carried out or not. */
  readonly error?: string;
  /** What `get` has read; null where there is no key. */
  readonly read?: string | null;
  /** Has `swap` found what it expected? */
  readonly swapped?: boolean;
  /** The store's revision by the header of the answer; of a write, its own. */
  readonly revision?: number;
  /** The member that answered, by the header: its id, decimal. */
  readonly member?: string;
  /** What its client's sockets had said when it began, by their ports, bytes; those on Unix sockets have none. */
  readonly said?: Readonly<Record<number, number>>;
  /** Does this client connect anew for each call? */
  readonly shortLived: boolean;
}

export interface WatchEvent {
  readonly revision: number;
  readonly type: 'put' | 'delete';
  readonly key: string;
  /** Empty where the key was deleted. */
  readonly value: string;
  readonly at: number;
}

/** A watch of a prefix, from its first revision on, over all the connections that it needed. */
export interface WatchRecord {
  readonly kind: 'watch';
  readonly watcher: string;
  readonly prefix: string;
  /** The first revision of which it was to be told. */
  readonly from: number;
  /** In the order in which they came. */
  readonly events: readonly WatchEvent[];
  /** When it took the watch up again, after its connection or the watch itself had ended. */
  readonly resumed: readonly number[];
  /** Why it is no more, if it gave up. */
  readonly lost?: string;
}

/** A lease with a key, kept alive until the end. */
export interface LeaseRecord {
  readonly kind: 'lease';
  readonly holder: string;
  /** The key that goes when the lease expires. */
  readonly key: string;
  /** What was granted, s. */
  readonly ttl: number;
  /**
   * When the answered keep-alives were asked, when each was answered, and the s that it gave. Of
   * etcdctl, which does not say when it asks, the latest moment before which it certainly had not.
   */
  readonly answered: readonly {
    readonly asked: number;
    readonly at: number;
    readonly ttl: number;
  }[];
  /** When the holder learned that it has expired. */
  readonly lost?: number;
}

/** A socket of a client, once all its calls are over. */
export interface SocketRecord {
  readonly kind: 'socket';
  readonly client: string;
  /** Its own port; 0 on a Unix socket. */
  readonly port: number;
  readonly opened: number;
  /** Absent while it is open. */
  readonly closed?: number;
  /** Bytes as they were on the wire, those of TLS included, as far as this process can tell. */
  readonly sent: number;
  readonly received: number;
  /** Did the client end it in order, with nothing left to say? Never of the Go library: nobody counts its bytes. */
  readonly inOrder: boolean;
}

/** Something that no client awaited was thrown: a defect of the harness or of a library. */
export interface CrashRecord {
  readonly kind: 'crash';
  readonly at: number;
  /** With its stack. */
  readonly error: string;
}

export type ClientRecord = CallRecord | WatchRecord | LeaseRecord | SocketRecord | CrashRecord;

/** Now, on the clock of all records, ms. */
export function now(): number {
  return performance.timeOrigin + performance.now();
}
