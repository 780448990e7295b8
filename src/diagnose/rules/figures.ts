/**
 * Findings about what the guide calls resource starvation: a disk, a network or a processor that does
 * not keep up, by the figures that each member keeps of itself and serves at `/metrics`.
 *
 *   p99 of a histogram   against what etcd needs
 *   a counter            against how often it may happen, by the time since the process started
 *   a gauge              against its limit
 *
 * All count since the start of the process. Absent figures are skipped. Pure.
 */

import { newestList } from '../../etcd/status/cluster-view.ts';
import { roughTime } from '../../lib/text/quantities.ts';
import type { Finding } from '../finding.ts';
import { knownAmong, type Observation } from '../observation.ts';
import { numberOf, quantile, type Sample } from '../probes/exposition.ts';

/** With fewer, the slowest hundredth is a single one, and a process that has just started is slow. */
const leastCounted = 100;

/** Bounds are in seconds; those of the disk are etcd's own (its documentation, FAQ and Metrics). */
const latencies = [
  {
    series: 'etcd_disk_wal_fsync_duration_seconds',
    what: 'writes to the log',
    bound: 0.01,
    why: 'Nothing is written before the log is on disk, and a slow disk delays heartbeats until an election follows.',
    mend: 'Give etcd a faster disk that it shares with nobody, such as a local SSD for its --wal-dir.',
  },
  {
    series: 'etcd_disk_backend_commit_duration_seconds',
    what: 'commits to the database',
    bound: 0.025,
    why: 'Reads and writes wait for a commit that is under way.',
    mend: 'Give etcd a faster disk that it shares with nobody, such as a local SSD for its --data-dir.',
  },
] as const;

/** A heartbeat goes out every 100 ms by default, and the answer should be back before the next. */
const roundTrip = { series: 'etcd_network_peer_round_trip_time_seconds', bound: 0.1 } as const;

/** Up to `perHour` on average is nothing to act on, nor is that many in a first, shorter hour. */
const counters = [
  {
    series: 'etcd_server_heartbeat_send_failures_total',
    what: 'heartbeats sent too late',
    perHour: 5,
    why: 'Followers that miss heartbeats start an election, and nothing is written meanwhile.',
    mend: 'Give etcd a processor and a disk of its own; look at what else runs on that machine.',
  },
  {
    series: 'etcd_server_slow_apply_total',
    what: 'requests applied slowly',
    perHour: 20,
    why: 'Requests that took longer than 100 ms to apply held up all that came after them.',
    mend: "Look for large requests in etcd's log, and for a disk or processor that others use.",
  },
  {
    series: 'etcd_server_proposals_failed_total',
    what: 'proposals failed',
    perHour: 20,
    why: 'Each is a write that a client wanted and did not get, in an election or without a quorum.',
    mend: 'Look for what interrupts the cluster: elections, restarts, the network between members.',
  },
] as const;

/** Elections in a first hour, when members are started one by one; then one a day. */
const firstElections = 4;

/** A member that keeps up works off its proposals within milliseconds. */
const pendingBound = 100;
/** Share of the descriptors above which it is time to act. */
const descriptorBound = 0.8;

export function findInFigures(observations: readonly Observation[]): Finding[] {
  const nameOf = peerNames(observations);
  const read = observations.flatMap(({ name, metrics, clock }) =>
    metrics.kind === 'read'
      ? [{ name, samples: metrics.samples, uptime: uptimeOf(metrics.samples, clock?.date) }]
      : [],
  );
  const findings = read.flatMap((member) =>
    [
      ...findLatencies(member),
      ...findRoundTrips(member, nameOf),
      ...findCounts(member),
      ...findPending(member),
      ...findDescriptors(member),
    ].map((words): Finding => ({ severity: 'warning', subject: member.name, ...words })),
  );
  return [...findings, ...findElections(read)];
}

interface ReadMember {
  readonly name: string;
  readonly samples: readonly Sample[];
  /** Seconds. */
  readonly uptime: number | undefined;
}

type Words = Omit<Finding, 'severity' | 'subject'>;

function* findLatencies({ samples, uptime }: ReadMember): Iterable<Words> {
  for (const { series, what, bound, why, mend } of latencies) {
    const p99 = quantile(samples, series, 0.99, leastCounted) ?? 0;
    if (p99 > bound) yield { seen: `${slow(what, p99, bound)}, ${since(uptime)}`, why, mend };
  }
}

function* findRoundTrips(
  { samples, uptime }: ReadMember,
  nameOf: (id: string) => string,
): Iterable<Words> {
  const { series, bound } = roundTrip;
  const ofSeries = samples.filter(({ name }) => name === `${series}_bucket`);
  for (const peer of new Set(ofSeries.map(({ labels }) => labels['To'] ?? ''))) {
    const toPeer = ofSeries.filter(({ labels }) => labels['To'] === peer);
    const p99 = quantile(toPeer, series, 0.99, leastCounted) ?? 0;
    if (p99 <= bound) continue;
    yield {
      seen: `${slow(`round trips to ${nameOf(peer)}`, p99, bound)}, ${since(uptime)}`,
      why: 'A heartbeat that is not back before the next goes out brings an election nearer.',
      mend: "Fix the network between them, or raise etcd's --heartbeat-interval to the round trip and --election-timeout to ten times that, on all members.",
    };
  }
}

function* findCounts({ samples, uptime }: ReadMember): Iterable<Words> {
  const hours = Math.max(1, (uptime ?? 0) / 3600);
  for (const { series, what, perHour, why, mend } of counters) {
    const count = numberOf(samples, series) ?? 0;
    if (count > perHour * hours) yield { seen: `${what}: ${count}, ${since(uptime)}`, why, mend };
  }
}

/** Every member counts the same elections since its own start; the highest count is reported. */
function* findElections(members: readonly ReadMember[]): Iterable<Finding> {
  const counted = members.map(({ name, samples, uptime }) => ({
    name,
    uptime,
    count: numberOf(samples, 'etcd_server_leader_changes_seen_total') ?? 0,
  }));
  const [most] = counted
    .filter(({ count, uptime = 0 }) => count > firstElections + uptime / 86_400)
    .sort((a, b) => b.count - a.count);
  if (most === undefined) return;
  yield {
    severity: 'warning',
    subject: 'cluster',
    seen: `changes of the leader: ${most.count}, counted by ${most.name} ${since(most.uptime)}`,
    why: 'During an election nothing can be written.',
    mend: "Fix what delays heartbeats: the disk, the processor, the network; on a slow network raise etcd's --heartbeat-interval and --election-timeout on all members.",
  };
}

function* findPending({ samples }: ReadMember): Iterable<Words> {
  const pending = numberOf(samples, 'etcd_server_proposals_pending') ?? 0;
  if (pending <= pendingBound) return;
  yield {
    seen: `proposals pending: ${pending}`,
    why: 'Clients ask for more writes than the cluster can agree on, and wait.',
    mend: 'Look for a client that writes too much, and for a slow disk or network.',
  };
}

function* findDescriptors({ samples }: ReadMember): Iterable<Words> {
  const open = numberOf(samples, 'process_open_fds') ?? 0;
  const limit = numberOf(samples, 'process_max_fds') ?? 0;
  if (limit <= 0 || open <= limit * descriptorBound) return;
  yield {
    seen: `files open: ${open} of at most ${limit}`,
    why: 'When none is left, etcd can neither take connections nor open its log, and ends.',
    mend: 'Raise the limit of the process: LimitNOFILE= of its systemd unit, or `ulimit -n`.',
  };
}

/** Seconds, by the member's own clock; `undefined` when it does not say. */
function uptimeOf(samples: readonly Sample[], date: number | undefined): number | undefined {
  const start = numberOf(samples, 'process_start_time_seconds');
  if (start === undefined || date === undefined) return undefined;
  return Math.max(0, date / 1000 - start);
}

function since(uptime: number | undefined): string {
  return uptime === undefined
    ? 'since the process started'
    : `since the process started ${roughTime(uptime)} ago`;
}

function slow(what: string, p99: number, bound: number): string {
  return `one in a hundred ${what} took ${roughTime(p99)} or more, and ${roughTime(bound)} is the bound`;
}

/** Names of peers by member id: as in the endpoints, else as in the cluster's list. */
function peerNames(observations: readonly Observation[]): (id: string) => string {
  const known = knownAmong(observations);
  const listed = newestList(known.map(({ status }) => status));
  return (id) =>
    known.find(({ status }) => status.memberId === id)?.name ??
    (listed.find((member) => member.id === id)?.name || id);
}
