/**
 * Metrics of calls, of members whose sessions are followed; of the others there are no series, since TLS
 * that passes through does not show its calls. All of it is counted in proxy/http2/calls.ts.
 */
import type { Metric, Registry } from 'prom-client';
import type { Member } from '../../members/member.ts';
import {
  type CallFigures,
  type FirstBytes,
  firstByteBounds,
} from '../../proxy/http2/call-figures.ts';
import { type MetricSources, type ReadMetric, served } from './read-metrics.ts';

export const callMetrics: readonly ReadMetric[] = [
  {
    name: 'etcd_lb_calls_total',
    help: 'Calls that clients began, watches and lease keep-alives among them; only where bytes are plain HTTP/2 and followed.',
    labels: ['member'],
    read: figureOf(({ started }) => started),
  },
  {
    name: 'etcd_lb_calls_in_flight',
    help: 'Calls that were asked in full and are not answered in full at this moment; only where calls are followed.',
    labels: ['member'],
    read: figureOf((_, { calls }) => calls),
  },
  {
    name: 'etcd_lb_streams',
    help: 'Streams open at this moment: calls in flight, and those on which the client may still speak, such as watches; only where calls are followed.',
    labels: ['member'],
    read: figureOf(({ streams }) => streams),
  },
  {
    name: 'etcd_lb_unfollowed_sessions_total',
    help: 'Sessions that were to be followed and were only copied from some point on, because their bytes are not HTTP/2 (such as GET /health) or make no sense.',
    labels: ['member'],
    read: figureOf(({ lost }) => lost),
  },
];

/** Adds how long calls waited for the first byte of their answer. */
export function addFirstBytes(registry: Registry, sources: MetricSources): void {
  registry.registerMetric(new FirstBytesHistogram(sources) as unknown as Metric);
}

function figureOf(of: (calls: CallFigures, member: Member) => number): ReadMetric['read'] {
  return (sources) =>
    followed(sources).map((member) => [
      of(callsOf(sources, member), member),
      { member: member.name },
    ]);
}

function followed(sources: MetricSources): Member[] {
  return served(sources).filter((member) => sources.proxy.follows(member));
}

function callsOf({ proxy }: MetricSources, member: Member): CallFigures {
  return proxy.sessions.totalsOf(member).calls;
}

/**
 * A histogram of what was counted without prom-client, whose own can only be told one value after the
 * other. It has what the registry asks of a metric.
 */
class FirstBytesHistogram {
  readonly name = 'etcd_lb_call_first_byte_seconds';
  readonly help =
    'From the begin of a call to the first byte of its answer; only where calls are followed.';
  readonly type = 'histogram';
  readonly aggregator = 'sum';
  readonly #sources: MetricSources;

  constructor(sources: MetricSources) {
    this.#sources = sources;
  }

  async get() {
    const { name, help, type, aggregator } = this;
    const values = followed(this.#sources).flatMap((member) =>
      seriesOf(member.name, callsOf(this.#sources, member).firstBytes),
    );
    return { name, help, type, aggregator, values };
  }
}

function seriesOf(member: string, { counts, sum }: FirstBytes) {
  const name = 'etcd_lb_call_first_byte_seconds';
  let count = 0;
  const buckets = [...counts].map((each, index) => {
    count += each;
    const bound = firstByteBounds[index];
    const le = bound === undefined ? '+Inf' : seconds(bound);
    return { value: count, labels: { le, member }, metricName: `${name}_bucket` };
  });
  return [
    ...buckets,
    { value: seconds(sum), labels: { member }, metricName: `${name}_sum` },
    { value: count, labels: { member }, metricName: `${name}_count` },
  ];
}

function seconds(ms: number): number {
  return ms / 1000;
}
