/**
 * Metrics that are read at each scrape from state and counts kept elsewhere. A table says how to read each;
 * `addReadMetrics` makes a counter of a name that ends in _total, else a gauge.
 */
import { Counter, Gauge, type Registry } from 'prom-client';
import type { Certificates } from '../../certificates/certificates.ts';
import type { Cluster } from '../../etcd/cluster.ts';
import type { Monitor } from '../../health/monitor.ts';
import type { HoldView } from '../../leader/hold-status.ts';
import type { Member } from '../../members/member.ts';
import type { DataPath } from '../../proxy/data-path.ts';
import type { SnapshotView } from '../../snapshot/schedule/scheduled.ts';
import type { ReloadHistory } from '../events/sentences/operators.ts';

/** What the metrics are read from. */
export interface MetricSources {
  /** What this balancer is called. */
  readonly name: string;
  readonly version: string;
  /** The current members. */
  readonly members: () => readonly Member[];
  /** Removed members that still have sessions. */
  readonly leaving: () => readonly Member[];
  readonly monitor: Monitor;
  readonly cluster: Cluster;
  readonly proxy: DataPath;
  /** Those in use. */
  readonly certificates: () => Certificates;
  readonly hold: () => HoldView;
  readonly reload: () => ReloadHistory;
  /** Undefined where there is no schedule. */
  readonly snapshots: () => SnapshotView | undefined;
  /** Lines of the log that could not be written. */
  readonly lostLogLines: () => number;
}

/** The value of a series and its labels. Samples with equal labels, such as of two members with one name, are added up. */
export type Sample = readonly [value: number, labels?: Readonly<Record<string, string>>];

export interface ReadMetric {
  readonly name: string;
  /** A sentence that a stranger understands. */
  readonly help: string;
  readonly labels?: readonly string[];
  readonly read: (sources: MetricSources) => readonly Sample[];
}

/** Adds them to the registry. */
export function addReadMetrics(
  registry: Registry,
  metrics: readonly ReadMetric[],
  sources: MetricSources,
): void {
  for (const { name, help, labels = [], read } of metrics) {
    const Kind = name.endsWith('_total') ? Counter : Gauge;
    const metric = new Kind({
      ...{ registers: [registry], name, help, labelNames: labels },
      collect() {
        metric.reset();
        if (labels.length === 0) metric.remove(); // a series of 0
        for (const [value, own = {}] of read(sources)) metric.inc(own, value);
      },
    });
  }
}

/** One series for each of these members that has a figure. */
export function perMember(
  list: (sources: MetricSources) => readonly Member[],
  figure: (member: Member, sources: MetricSources) => number | undefined,
): Pick<ReadMetric, 'labels' | 'read'> {
  return {
    labels: ['member'],
    read: (sources) =>
      list(sources).flatMap((member) => {
        const value = figure(member, sources);
        return value === undefined ? [] : [[value, { member: member.name }]];
      }),
  };
}

/** The current members. */
export function present({ members }: MetricSources): readonly Member[] {
  return members();
}

/** The current members, and removed ones that still have sessions. */
export function served({ members, leaving }: MetricSources): readonly Member[] {
  return [...members(), ...leaving()];
}

/** 1 for yes, 0 for no. */
export function flag(yes: boolean): number {
  return yes ? 1 : 0;
}
