/** How long the event loop is held up under load, as etcd-lb says itself. */

import { call } from '../load/h2load.ts';
import { smallKey } from '../load/requests.ts';
import type { Figures, Measure } from '../measure.ts';
import { closedLoop, startBefore } from './calls.ts';

/** Calls a second; fewer come about where the machine cannot do as many. */
const rate = 20_000;
const bucket = /^etcd_lb_event_loop_lag_seconds_bucket\{le="(\S+)"\} (\d+)$/gm;

export const loop: Measure = {
  name: 'loop',
  what: '20,000 small calls a second, or what the machine can do; from /metrics.',
  only: ['etcd-lb'],
  figures: [
    { key: 'loop.p99', what: 'event-loop delay p99', unit: 'ms', better: 'less' },
    { key: 'loop.perSecond', what: 'RPCs meanwhile', unit: '/s', better: 'more' },
  ],
  run: async (scene): Promise<Figures> => {
    const { started, to } = await startBefore(await scene.backends.etcd(), scene);
    await closedLoop(to, scene.pace.warmUp);
    const before = bucketsIn((await started.etcdLb?.observe('/metrics')) ?? '');
    const { perSecond } = await call({
      ...{ ...to, key: smallKey, count: rate * scene.pace.steady, connections: 20 },
      ...{ streams: 4, rate },
    });
    const after = bucketsIn((await started.etcdLb?.observe('/metrics')) ?? '');
    const meanwhile = after.map(({ bound, count }, index) => {
      return { bound, count: count - (before[index]?.count ?? 0) };
    });
    return { 'loop.p99': quantile(0.99, meanwhile) * 1_000, 'loop.perSecond': perSecond };
  },
};

/** `bound` in seconds; `count` of what was at most that. */
interface Bucket {
  readonly bound: number;
  readonly count: number;
}

function bucketsIn(text: string): Bucket[] {
  return [...text.matchAll(bucket)].map(([, bound, count]) => {
    return {
      bound: bound === '+Inf' ? Number.POSITIVE_INFINITY : Number(bound),
      count: +(count ?? 0),
    };
  });
}

/** Seconds, estimated between the bounds of a bucket, as Prometheus does. */
function quantile(share: number, buckets: readonly Bucket[]): number {
  const rank = share * (buckets.at(-1)?.count ?? Number.NaN);
  const at = buckets.findIndex(({ count }) => count >= rank);
  const { bound, count } = buckets[at] ?? { bound: Number.NaN, count: 0 };
  const below = buckets[at - 1] ?? { bound: 0, count: 0 };
  return below.bound + ((bound - below.bound) * (rank - below.count)) / (count - below.count);
}
