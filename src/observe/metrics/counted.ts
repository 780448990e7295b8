/** The metrics that are counted as things happen: names, help texts and labels. */
import { Counter, Histogram, type Registry } from 'prom-client';

/** Seconds. Checks and dials take a fraction of a millisecond to a few seconds. */
const latencyBuckets = [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5];
/** Seconds. Sessions last from one call of etcdctl to the life of an apiserver. */
const lifetimeBuckets = [0.1, 1, 10, 60, 600, 3600, 6 * 3600, 24 * 3600, 7 * 24 * 3600];
/** Seconds. A needless hold ends with the next linearizable read, one for an election within 2 s. */
const holdBuckets = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2, 4, 8];
/** Seconds. Timers are a millisecond exact; the event loop stalls for as long as the host is suspended. */
const lagBuckets = [0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5];

interface Described {
  readonly name: string;
  /** A sentence that a stranger understands. */
  readonly help: string;
  readonly labelNames?: readonly string[];
}

const counters = {
  checks: {
    name: 'etcd_lb_checks_total',
    help: 'Health checks of a member that finished, by result, and by reason where they failed.',
    labelNames: ['member', 'result', 'reason'],
  },
  polls: {
    name: 'etcd_lb_inspections_total',
    help: 'Status polls of a member over gRPC (leader, learner, alarms, sizes), by result.',
    labelNames: ['member', 'result'],
  },
  dials: {
    name: 'etcd_lb_dials_total',
    help: 'Attempts to connect to a member for a client, by result: success, failed, or abandoned because another member was quicker; and by reason where they failed.',
    labelNames: ['member', 'result', 'reason'],
  },
  evictions: {
    name: 'etcd_lb_evictions_total',
    help: 'Times that all sessions of a member were closed because its failure was confirmed and another member was healthy, or, when none was healthy, most members answered.',
    labelNames: ['member'],
  },
  stateChanges: {
    name: 'etcd_lb_member_state_changes_total',
    help: 'Changes of the health state of a member, by the state it changed to.',
    labelNames: ['member', 'state'],
  },
  unresponsive: {
    name: 'etcd_lb_silences_total',
    help: 'Times that all members were checked at once because this one owed its clients answers and was unresponsive on all their connections.',
    labelNames: ['member'],
  },
  stalls: {
    name: 'etcd_lb_starvations_total',
    help: 'Times that the event loop stalled for more than 100 ms; checks that time out meanwhile mark no member failed.',
  },
  holds: {
    name: 'etcd_lb_holds_total',
    help: 'Times that what clients send was held, by cause: gone (the leader cut or refused a connection), unresponsive (it did not answer while others did) or planned (an operator moved it); and by end: confirmed (a linearizable read succeeded), elected (a later leader was found), expired (--hold was over) or cancelled.',
    labelNames: ['cause', 'end'],
  },
  snapshots: {
    name: 'etcd_lb_snapshots_total',
    help: 'Scheduled snapshots that were due, by result: saved, failed, or skipped because another balancer took it.',
    labelNames: ['result'],
  },
  handshakesFailed: {
    name: 'etcd_lb_tls_handshakes_failed_total',
    help: 'Handshakes of clients that failed under --tls terminate, by reason: no-certificate, untrusted, not-allowed (no name of --allow-client), rejected (the client did not accept ours), protocol, timeout or closed.',
    labelNames: ['reason'],
  },
  certificateReloads: {
    name: 'etcd_lb_certificate_reloads_total',
    help: 'Times that certificate files had changed: applied to new connections, or refused because they cannot be used, so that the previous certificates stay in use.',
    labelNames: ['result'],
  },
  reloads: {
    name: 'etcd_lb_reloads_total',
    help: 'Times that the settings were read again while running: applied, or refused because they cannot be used, so that nothing changed.',
    labelNames: ['result'],
  },
  managementRefused: {
    name: 'etcd_lb_management_refused_total',
    help: 'Visitors of the observe or the admin listener that were refused, by reason: connections (all were in use), idle (closed for a newcomer), slow (a request or the reading of an answer took too long), large (a head or a body), streams (all were in use) or host (a name that is not ours).',
    labelNames: ['listener', 'reason'],
  },
  unexpected: {
    name: 'etcd_lb_unexpected_errors_total',
    help: 'Unhandled errors: the balancer goes on, and the log has the stack of each once. Each is a bug, or this host lacks a resource.',
  },
} satisfies Record<string, Described>;

const histograms = {
  checkDuration: {
    name: 'etcd_lb_check_duration_seconds',
    help: 'How long health checks of a member took, failed ones included.',
    labelNames: ['member'],
    buckets: latencyBuckets,
  },
  dialDuration: {
    name: 'etcd_lb_dial_duration_seconds',
    help: 'How long it took to connect to a member for a client, successful attempts only.',
    labelNames: ['member'],
    buckets: latencyBuckets,
  },
  sessionDuration: {
    name: 'etcd_lb_session_duration_seconds',
    help: 'How long sessions with a member lasted, recorded when they end.',
    labelNames: ['member'],
    buckets: lifetimeBuckets,
  },
  holdDuration: {
    name: 'etcd_lb_hold_duration_seconds',
    help: 'How long what clients send was held, recorded when a hold ends.',
    buckets: holdBuckets,
  },
  eventLoopLag: {
    name: 'etcd_lb_event_loop_lag_seconds',
    help: 'How late the event loop came to a timer that is due several times a second; every client waits as long.',
    buckets: lagBuckets,
  },
} satisfies Record<string, Described & { readonly buckets: number[] }>;

export type Counters = Readonly<Record<keyof typeof counters, Counter>>;
export type Histograms = Readonly<Record<keyof typeof histograms, Histogram>>;

/** Adds the counters to the registry. */
export function addCounters(registry: Registry): Counters {
  return made(counters, (described) => new Counter({ registers: [registry], ...described }));
}

/** Adds the histograms, of seconds. */
export function addHistograms(registry: Registry): Histograms {
  return made(histograms, (described) => new Histogram({ registers: [registry], ...described }));
}

function made<Key extends string, From, To>(
  table: Readonly<Record<Key, From>>,
  make: (from: From) => To,
): Readonly<Record<Key, To>> {
  const entries = Object.entries<From>(table).map(([key, from]) => [key, make(from)]);
  return Object.fromEntries(entries) as Record<Key, To>;
}
