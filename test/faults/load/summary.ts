/**
 * From the record of a run to its figures. Pure.
 *
 * Failures are told apart by who is to blame. `transport`: the connection was refused, reset or not
 * there, which is what a balancer can do something about. `cluster`: etcd answered with an error, or
 * not within the client's patience: a write that was on its way to a leader that died is lost in
 * raft whoever forwarded it.
 */
import type { LoadRecord, Sample } from './plan.ts';

export interface LoadSummary {
  readonly requests: number;
  readonly failed: number;
  /** Of those, by transport and not in flight when something broke. */
  readonly failedLater: number;
  /** Of those, of clients that hold their connection: not of one-shot etcdctl runs. */
  readonly failedConnected: number;
  readonly overOneSecond: number;
  /** Who `failedLater` was and when, the first 30: to lay beside the contestant's log. */
  readonly later: readonly string[];
  /** ms at most between two successes of any one long-lived client. */
  readonly longestGap: number;
  /** ms that 99 of 100 successful requests took at most. */
  readonly p99: number;
  readonly watchLost: number;
  readonly watchDoubled: number;
  /** ms at most between two events at any one watcher. */
  readonly longestWatchGap: number;
  readonly leasesLost: number;
  /** The watchers that lost or doubled events, and how: what a bound that was missed is about. */
  readonly watchFaults: readonly string[];
  /** The most frequent errors, with counts. */
  readonly errors: Readonly<Record<string, number>>;
}

/** What is sent this long (ms) after a fault may still meet a connection that is about to close. */
const closing = 50;

/**
 * When something was broken, and when the cluster could serve again, ms. What was begun in between
 * was in flight: a write on its way to a leader that died is lost in raft, whoever forwarded it.
 */
export interface FaultWindow {
  readonly from: number;
  until: number;
}

export function summarize(record: LoadRecord, faults: readonly FaultWindow[]): LoadSummary {
  const { samples, watches, confirmed } = record;
  const failures = samples.filter(({ error }) => error !== undefined);
  const served = samples.filter(({ error }) => error === undefined);
  const later = failures.filter((sample) => isLater(sample, faults));
  const watch = watches.map(({ seen, from, writer, watcher }) => {
    const values = seen.map(({ value }) => value);
    const distinct = new Set(values);
    const lost = (confirmed[writer] ?? []).filter((value) => value >= from && !distinct.has(value));
    return {
      watcher,
      lost: lost.length,
      range: `${lost[0]} to ${lost.at(-1)} of ${confirmed[writer]?.at(-1)}`,
      doubled: values.length - distinct.size,
      gap: longestGap(seen.map(({ at }) => at)),
    };
  });
  return {
    requests: samples.length,
    failed: failures.length,
    failedLater: later.length,
    later: later.slice(0, 30).map(inWords),
    failedConnected: failures.filter(({ client }) => client !== 'etcdctl').length,
    overOneSecond: samples.filter(({ startedAt, endedAt }) => endedAt - startedAt > 1_000).length,
    longestGap: Math.round(longestGapOfAnyClient(samples)),
    p99: Math.round(quantile(served.map(duration), 0.99)),
    watchLost: sum(watch.map(({ lost }) => lost)),
    watchDoubled: sum(watch.map(({ doubled }) => doubled)),
    longestWatchGap: Math.round(Math.max(0, ...watch.map(({ gap }) => gap))),
    leasesLost: record.leasesLost.length,
    watchFaults: watch
      .filter(({ lost, doubled }) => lost + doubled > 0)
      .map(
        ({ watcher, lost, doubled, range }) =>
          `${watcher}: ${lost} lost (${range}), ${doubled} doubled`,
      ),
    errors: countErrors(failures),
  };
}

function inWords({ client, kind, startedAt, endedAt, error }: Sample): string {
  const at = new Date(endedAt).toISOString().slice(11, -1);
  return `${at} ${client} ${kind} after ${Math.round(endedAt - startedAt)} ms: ${error}`;
}

/** Did the transport fail a request that was not in flight when something broke? */
function isLater({ error, startedAt, endedAt }: Sample, faults: readonly FaultWindow[]): boolean {
  if (error === undefined || !isTransport(error)) return false;
  return !faults.some(({ from, until }) => startedAt <= until + closing && endedAt >= from);
}

function isTransport(error: string): boolean {
  // etcd's own errors come with the same gRPC codes as those of the transport.
  if (/etcdserver:/.test(error)) return false;
  return /UNAVAILABLE|No connection established|ECONN|Connection dropped|refused|transport|INTERNAL|CANCELLED/i.test(
    error,
  );
}

function longestGapOfAnyClient(samples: readonly Sample[]): number {
  // One-shot etcdctl runs are too far apart to have a gap worth the name.
  const clients = Map.groupBy(
    samples.filter(({ client }) => client.startsWith('node')),
    ({ client }) => client,
  );
  const end = Math.max(...samples.map(({ startedAt }) => startedAt));
  return Math.max(
    0,
    ...[...clients.values()].map((of) => {
      const successes = of.filter(({ error }) => error === undefined);
      const begin = Math.min(...of.map(({ startedAt }) => startedAt));
      return longestGap([begin, ...successes.map(({ endedAt }) => endedAt), end]);
    }),
  );
}

function longestGap(times: readonly number[]): number {
  const sorted = times.toSorted((a, b) => a - b);
  return Math.max(0, ...sorted.slice(1).map((time, index) => time - (sorted[index] ?? time)));
}

export function quantile(values: readonly number[], share: number): number {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? 0;
}

function countErrors(failures: readonly Sample[]): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const { error = '' } of failures) {
    const text = error.replaceAll(/\d+\.\d+\.\d+\.\d+:\d+|\d{3,}/g, '…').slice(0, 120);
    counts[text] = (counts[text] ?? 0) + 1;
  }
  return Object.fromEntries(
    Object.entries(counts)
      .sort(([, a], [, b]) => b - a)
      .slice(0, 6),
  );
}

const duration = ({ startedAt, endedAt }: Sample): number => endedAt - startedAt;
const sum = (values: readonly number[]): number => values.reduce((a, b) => a + b, 0);
