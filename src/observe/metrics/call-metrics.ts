/**
 * Metrics of calls, for members whose sessions are followed. Other members have no series: passed-through TLS
 * hides its calls. Everything is counted in proxy/http2/calls.ts.
 */
import type { Metric, Registry } from 'prom-client';
import type { Member } from '../../members/member.ts';
import { type CallFigures, firstByteBounds } from '../../proxy/http2/call-figures.ts';
import { type MetricSources, perMember, type ReadMetric, served } from './read-metrics.ts';

export const callMetrics: readonly ReadMetric[] = [
  {
    name: 'etcd_lb_calls_total',
    help: 'Calls that clients began, including watches and lease keep-alives; only where bytes are plain HTTP/2 and followed.',
    ...perMember(followed, (member, sources) => callsOf(member, sources).started),
  },
  {
    name: 'etcd_lb_calls_in_flight',
    help: 'Calls whose request is complete and whose answer is not, at this moment; only where calls are followed.',
    ...perMember(followed, ({ calls }) => calls),
  },
  {
    name: 'etcd_lb_streams',
    help: 'Streams open at this moment: calls in flight, and calls on which the client may still send, such as watches; only where calls are followed.',
    ...perMember(followed, (member, sources) => callsOf(member, sources).streams),
  },
  {
    name: 'etcd_lb_unfollowed_sessions_total',
    help: 'Sessions that are copied without being followed, because their bytes are not HTTP/2 (such as GET /health) or are invalid.',
    ...perMember(followed, (member, sources) => callsOf(member, sources).lost),
  },
];

const firstBytes = {
  name: 'etcd_lb_call_first_byte_seconds',
  help: 'From the start of a call to the first byte of its answer; only where calls are followed.',
  type: 'histogram',
  aggregator: 'sum',
};

/**
 * Adds a histogram of what was counted without prom-client, whose own histogram takes only single values.
 * It has what the registry asks of a metric.
 */
export function addFirstBytes(registry: Registry, sources: MetricSources): void {
  const get = async () => ({
    ...firstBytes,
    values: followed(sources).flatMap((member) =>
      seriesOf(member.name, callsOf(member, sources).firstBytes),
    ),
  });
  registry.registerMetric({ ...firstBytes, get } as unknown as Metric);
}

function followed(sources: MetricSources): Member[] {
  return served(sources).filter((member) => sources.proxy.follows(member));
}

function callsOf(member: Member, { proxy }: MetricSources): CallFigures {
  return proxy.sessions.totalsOf(member).calls;
}

function seriesOf(member: string, { counts, sum }: CallFigures['firstBytes']) {
  const { name } = firstBytes;
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
