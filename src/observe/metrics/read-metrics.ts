/**
 * Metrics that are read when somebody scrapes, from what is, or was counted, elsewhere: a table says how, and
 * `addReadMetrics` makes counters (of those that end in _total) and gauges of it.
 */
import { Counter, Gauge, type Registry } from 'prom-client';
import type { Certificates } from '../../certificates/certificates.ts';
import type { Cluster } from '../../etcd/cluster.ts';
import type { Monitor } from '../../health/monitor.ts';
import type { HoldView } from '../../leader/hold-status.ts';
import type { Member } from '../../members/member.ts';
import type { DataPath } from '../../proxy/data-path.ts';

/** What is read. */
export interface MetricSources {
  readonly version: string;
  /** Those there are. */
  readonly members: () => readonly Member[];
  /** Those that have left and still have sessions. */
  readonly leaving: () => readonly Member[];
  readonly monitor: Monitor;
  readonly cluster: Cluster;
  readonly proxy: DataPath;
  /** Those in force. */
  readonly certificates: () => Certificates;
  readonly hold: () => HoldView;
  /** Lines of the log that could not be written. */
  readonly lostLogLines: () => number;
}

/** The value of a series and its labels. Those of the same labels, such as of two members of one name, are added up. */
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

/** A series of each of these members; none of one that has no figure. */
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

/** Those there are. */
export function present({ members }: MetricSources): readonly Member[] {
  return members();
}

/** Members that there are, and those that have left and still have sessions. */
export function served({ members, leaving }: MetricSources): readonly Member[] {
  return [...members(), ...leaving()];
}

/** 1 for yes, 0 for no. */
export function flag(yes: boolean): number {
  return yes ? 1 : 0;
}
