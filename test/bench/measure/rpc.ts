/** Small calls as fast as they go: what most of a control plane's traffic is. */
import { call } from '../load/h2load.ts';
import { smallKey } from '../load/requests.ts';
import type { Measure } from '../measure.ts';
import { ifProcess, percentiles, smallCalls, startBefore } from './calls.ts';

export const rpc: Measure = {
  name: 'rpc',
  what: 'Small calls as fast as they go, 8 connections with 4 in flight; then one at a time.',
  short: true,
  figures: [
    { key: 'rpc.cpu', what: 'CPU per small RPC', unit: 'µs', better: 'less', main: true },
    { key: 'rpc.perSecond', what: 'small RPCs', unit: '/s', better: 'more' },
    { key: 'rpc.one.p50', what: 'one client, p50', unit: 'µs', better: 'less', added: true },
    { key: 'rpc.one.p99', what: 'one client, p99', unit: 'µs', better: 'less', added: true },
  ],
  run: async (scene) => {
    const { started, to } = await startBefore(await scene.backends.etcd(), scene);
    const { cpu, perSecond } = await smallCalls(started, to, scene.pace);
    const { times } = await call({
      ...{ ...to, key: smallKey, count: scene.pace.singleCalls, connections: 1, streams: 1 },
      timed: true,
    });
    const { p50, p99 } = percentiles(times);
    return {
      ...ifProcess(started, { 'rpc.cpu': cpu }),
      ...{ 'rpc.perSecond': perSecond, 'rpc.one.p50': p50, 'rpc.one.p99': p99 },
    };
  },
};
