/** The time of small calls at a rate that leaves everybody time. */
import type { Measure } from '../measure.ts';
import { closedLoop, ifProcess, openLoop, percentiles, startBefore } from './calls.ts';
import { costOf } from './cost.ts';

/** Calls a second. */
const rate = 2_000;

export const latency: Measure = {
  name: 'latency',
  what: '2,000 small calls a second, open loop, 20 connections that take turns.',
  short: true,
  figures: [
    { key: 'latency.p50', what: 'p50 at 2,000 RPC/s', unit: 'µs', better: 'less', added: true },
    { key: 'latency.p99', what: 'p99 at 2,000 RPC/s', unit: 'µs', better: 'less', added: true },
    { key: 'latency.cpu', what: 'CPU per RPC at 2,000 RPC/s', unit: 'µs', better: 'less' },
  ],
  run: async (scene) => {
    const { started, to } = await startBefore(await scene.backends.etcd(), scene);
    await closedLoop(to, scene.pace.warmUp);
    const [result, cpu] = await costOf(started, () => openLoop(to, rate, scene.pace.steady));
    const { p50, p99 } = percentiles(result.times);
    return {
      ...{ 'latency.p50': p50, 'latency.p99': p99 },
      ...ifProcess(started, { 'latency.cpu': cpu / result.requests }),
    };
  },
};
