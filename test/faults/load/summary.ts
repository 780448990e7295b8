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
  /** Of those, in flight in the moment in which something broke. */
  readonly inFlight: number;
  /** Of those, of clients that hold their connection: not of one-shot etcdctl runs. */
  readonly failedConnected: number;
  readonly overOneSecond: number;
  /** Who `failedLater` was and when, the first 30: to lay beside the contestant's log. */
  readonly later: readonly string[];
  /** ms at most between two successes of any one long-lived client. */
  readonly longestGap: number;
  /** ms at most between two successes of all long-lived clients taken together. */
  readonly longestSilence: number;
  /** Each time that something was broken, in order. */
  readonly faults: readonly FaultSummary[];
  /** The calls that failed, in order, 200 at most: to lay beside the logs of the contestant and of etcd. */
  readonly failedCalls: readonly FailedCall[];
  /** ms that 99 of 100 successful requests took at most. */
  readonly p99: number;
  readonly watchLost: number;
  readonly watchDoubled: number;
  /** ms at most between two events at any one watcher. */
  readonly longestWatchGap: number;
  readonly leasesLost: number;
  /** When and whose, as the client was told. */
  readonly lostLeases: readonly string[];
  /** The watchers that lost or doubled events, and how: what a bound that was missed is about. */
  readonly watchFaults: readonly string[];
  /** The most frequent errors, with counts. */
  readonly errors: Readonly<Record<string, number>>;
}

/** What clients saw of one break. */
export interface FaultSummary {
  /** ISO 8601. */
  readonly at: string;
  /** ms until the cluster could serve again: until another leader was elected, where it was the leader. */
  readonly election: number;
  /** Calls that were in flight while the cluster could not serve, or were begun after and failed. */
  readonly failed: number;
  /** ms at most between two successes of any one long-lived client, until the next break. */
  readonly longestGap: number;
}

/** Times are ISO 8601. */
export interface FailedCall {
  readonly client: string;
  readonly kind: Sample['kind'];
  readonly started: string;
  readonly ended: string;
  readonly error: string;
}

/** Of a fault that fails thousands, such as a lost quorum, these are enough to see why. */
const mostFailedCalls = 200;

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
  const gaps = gapsOfClients(samples);
  const watch = watches.map(({ seen, from, writer, watcher }) => {
    const values = seen.map(({ value }) => value);
    const distinct = new Set(values);
    const lost = (confirmed[writer] ?? []).filter((value) => value >= from && !distinct.has(value));
    return {
      watcher,
      lost: lost.length,
      range: `${lost[0]} to ${lost.at(-1)} of ${confirmed[writer]?.at(-1)}`,
      doubled: values.length - distinct.size,
      gap: Math.max(0, ...between(seen.map(({ at }) => at)).map(duration)),
    };
  });
  return {
    requests: samples.length,
    failed: failures.length,
    failedLater: later.length,
    inFlight: failures.filter(({ startedAt, endedAt }) =>
      faults.some(({ from }) => startedAt <= from + closing && endedAt >= from),
    ).length,
    later: later.slice(0, 30).map(inWords),
    failedConnected: failures.filter(({ client }) => client !== 'etcdctl').length,
    overOneSecond: samples.filter(({ startedAt, endedAt }) => endedAt - startedAt > 1_000).length,
    longestGap: Math.round(Math.max(0, ...gaps.map(duration))),
    longestSilence: Math.round(Math.max(0, ...gapsOf(samples.filter(isLongLived)).map(duration))),
    faults: faults.map((fault) => ({
      at: iso(fault.from),
      election: Math.round(fault.until - fault.from),
      failed: failures.filter((sample) => causeOf(sample, faults) === fault).length,
      longestGap: Math.round(
        Math.max(0, ...gaps.filter((gap) => causeOf(gap, faults) === fault).map(duration)),
      ),
    })),
    failedCalls: failures
      .toSorted((a, b) => a.startedAt - b.startedAt)
      .slice(0, mostFailedCalls)
      .map(({ client, kind, startedAt, endedAt, error = '' }) => {
        return { client, kind, started: iso(startedAt), ended: iso(endedAt), error };
      }),
    p99: Math.round(quantile(served.map(duration), 0.99)),
    watchLost: sum(watch.map(({ lost }) => lost)),
    watchDoubled: sum(watch.map(({ doubled }) => doubled)),
    longestWatchGap: Math.round(Math.max(0, ...watch.map(({ gap }) => gap))),
    leasesLost: record.leasesLost.length,
    lostLeases: record.leasesLost,
    watchFaults: watch
      .filter(({ lost, doubled }) => lost + doubled > 0)
      .map(
        ({ watcher, lost, doubled, range }) =>
          `${watcher}: ${lost} lost (${range}), ${doubled} doubled`,
      ),
    errors: countErrors(failures),
  };
}

/**
 * Which break a call failed by, or a gap is of: the first whose time without service it overlaps, else the
 * last before it began. Undefined for what began and ended before any.
 */
function causeOf(
  { startedAt, endedAt }: Pick<Sample, 'startedAt' | 'endedAt'>,
  faults: readonly FaultWindow[],
): FaultWindow | undefined {
  return (
    faults.find(({ from, until }) => startedAt <= until && endedAt >= from) ??
    faults.findLast(({ from }) => from <= startedAt)
  );
}

function inWords({ client, kind, startedAt, endedAt, error }: Sample): string {
  const at = iso(endedAt).slice(11, -1);
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

/** A time without a success. */
type Gap = Pick<Sample, 'startedAt' | 'endedAt'>;

/** One-shot etcdctl runs are too far apart to have a gap worth the name. */
const isLongLived = ({ client }: Sample): boolean => client.startsWith('node');

/** Between the successes of each long-lived client. */
function gapsOfClients(samples: readonly Sample[]): Gap[] {
  const end = Math.max(...samples.map(({ startedAt }) => startedAt));
  const clients = Map.groupBy(samples.filter(isLongLived), ({ client }) => client);
  return [...clients.values()].flatMap((of) => gapsOf(of, end));
}

/** Between successes, and before the first and after the last. */
function gapsOf(
  samples: readonly Sample[],
  end = Math.max(...samples.map(({ startedAt }) => startedAt)),
): Gap[] {
  const successes = samples.filter(({ error }) => error === undefined);
  const begin = Math.min(...samples.map(({ startedAt }) => startedAt));
  return between([begin, ...successes.map(({ endedAt }) => endedAt), end]);
}

function between(times: readonly number[]): Gap[] {
  const sorted = times.toSorted((a, b) => a - b);
  return sorted
    .slice(1)
    .map((endedAt, index) => ({ startedAt: sorted[index] ?? endedAt, endedAt }));
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

const iso = (at: number): string => new Date(at).toISOString();
const duration = ({ startedAt, endedAt }: Gap): number => endedAt - startedAt;
const sum = (values: readonly number[]): number => values.reduce((a, b) => a + b, 0);
