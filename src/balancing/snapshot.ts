/**
 * The one place where control and data meet: an immutable picture of where connections may go.
 *
 * The control flow publishes a new snapshot after a verdict changed; the data path reads whichever
 * is current and never asks about health. The only thing the data path writes here is `load`.
 */

/** A place a connection can be sent to: the identity of a member and the load on it. */
export interface Candidate {
  /** What people call it: `m0` or `10.0.0.1:2379`. Unique. Kept by the control flow: a reload may rename it. */
  name: string;
  /** Address without brackets, or a host name. */
  readonly host: string;
  readonly port: number;
  /** Sessions open or being dialled. Kept by the data path, read by the policies. */
  load: number;
  /** Calls in flight, of the sessions whose calls can be seen. Kept as `load` is. */
  calls: number;
  /**
   * Its share of new connections against the others': as configured, and less while it starts slowly
   * after a failure. Above 0. Kept by the control flow (slow-start.ts), read by the policies.
   */
  weight: number;
  /** The weight it was configured with; 1 if absent. Kept by the control flow. */
  share?: number;
  /** Only the lowest class with a member that serves is used; 0 if absent. Likewise. */
  priority?: number;
  /** Does it lead its cluster? Kept by the control flow, for the policy `leader`. */
  leads?: boolean;
  /** How long it takes to answer, ms. Kept by the control flow, for the policy `nearest`. */
  latency?: number;
}

/** Where connections may go at this moment. All lists are in the configured order. */
export interface Snapshot {
  /** Picked from first. While nobody is healthy: everybody who may be there. */
  readonly routable: readonly Candidate[];
  /** Everybody who may serve at all, to be tried when all routable ones refused a dial. */
  readonly all: readonly Candidate[];
  /** Members whose sessions must leave; nothing new may start there either. */
  readonly evicted: ReadonlySet<Candidate>;
}
