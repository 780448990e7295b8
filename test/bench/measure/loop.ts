/** How long the event loop is held up under load, as etcd-lb says itself. */

import { call } from '../load/h2load.ts';
import { smallKey } from '../load/requests.ts';
import type { Figures, Measure } from '../measure.ts';
import { closedLoop, startBefore } from './calls.ts';

/** Calls a second; fewer come about where the machine cannot do as many. */
const rate = 20_000;
const metric = /^nodejs_eventloop_lag_p99_seconds (\S+)$/m;
/**
 * The histogram holds the time between two turns of a timer, so its period is no delay, ms (it is
 * set in src/observe/metrics/metrics.ts). It starts anew with every scrape.
 */
const period = 250;

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
    await started.etcdLb?.observe('/metrics');
    const { perSecond } = await call({
      ...{ ...to, key: smallKey, count: rate * scene.pace.steady, connections: 20 },
      ...{ streams: 4, rate },
    });
    const text = (await started.etcdLb?.observe('/metrics')) ?? '';
    const seconds = Number(metric.exec(text)?.[1] ?? Number.NaN);
    return { 'loop.p99': seconds * 1_000 - period, 'loop.perSecond': perSecond };
  },
};
