/**
 * Metrics of calls, of members whose sessions are followed; of the others there are no series, since TLS
 * that passes through does not show its calls. All of it is counted in proxy/http2/calls.ts and read here, when
 * somebody scrapes.
 */
import { Counter, Gauge, type Metric, type Registry } from 'prom-client';
import type { Member } from '../../members/member.ts';
import type { DataPath } from '../../proxy/data-path.ts';
import { firstByteBounds } from '../../proxy/http2/call-figures.ts';

/** Adds them to the registry. @param served members, and those that have left and still have sessions. */
export function readCalls(
  registry: Registry,
  proxy: DataPath,
  served: () => readonly Member[],
): void {
  const registers = [registry];
  const followed = (): Member[] => served().filter((member) => proxy.follows(member));
  const callsOf = (member: Member) => proxy.sessions.totalsOf(member).calls;
  new Counter({
    registers,
    name: 'etcd_lb_calls_total',
    help: 'Calls that clients began, watches and lease keep-alives among them; only where bytes are plain HTTP/2 and followed.',
    labelNames: ['member'],
    collect() {
      this.reset();
      for (const member of followed()) this.inc({ member: member.name }, callsOf(member).started);
    },
  });
  new Gauge({
    registers,
    name: 'etcd_lb_calls_in_flight',
    help: 'Calls that were asked in full and are not answered in full at this moment; only where calls are followed.',
    labelNames: ['member'],
    collect() {
      this.reset();
      for (const member of followed()) this.set({ member: member.name }, member.calls);
    },
  });
  new Gauge({
    registers,
    name: 'etcd_lb_streams',
    help: 'Streams open at this moment: calls in flight, and those on which the client may still speak, such as watches; only where calls are followed.',
    labelNames: ['member'],
    collect() {
      this.reset();
      for (const member of followed()) this.set({ member: member.name }, callsOf(member).streams);
    },
  });
  new Counter({
    registers,
    name: 'etcd_lb_unfollowed_sessions_total',
    help: 'Sessions that were to be followed and were only copied from some point on, because their bytes are not HTTP/2 (such as GET /health) or make no sense.',
    labelNames: ['member'],
    collect() {
      this.reset();
      for (const member of followed()) this.inc({ member: member.name }, callsOf(member).lost);
    },
  });
  new FirstBytesHistogram(registry, () =>
    followed().map((member) => ({ member: member.name, ...callsOf(member).firstBytes })),
  );
}

interface Counted {
  readonly member: string;
  /** See `FirstBytes`. */
  readonly counts: Float64Array;
  readonly sum: number;
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
  readonly #read: () => readonly Counted[];

  constructor(registry: Registry, read: () => readonly Counted[]) {
    this.#read = read;
    registry.registerMetric(this as unknown as Metric);
  }

  async get() {
    const { name, help, type, aggregator } = this;
    return { name, help, type, aggregator, values: this.#read().flatMap(seriesOf) };
  }
}

function seriesOf({ member, counts, sum }: Counted) {
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
