/** Small calls and answers of 1 MB once more, as TLS that passes through. */
import type { Measure } from '../measure.ts';
import { ifProcess, largeCalls, smallCalls, startBefore } from './calls.ts';

export const tls: Measure = {
  name: 'tls',
  rounds: 3,
  what: 'As rpc and large, in TLS from the client to etcd.',
  figures: [
    { key: 'tls.rpc.cpu', what: 'TLS: CPU per small RPC', unit: 'µs', better: 'less', main: true },
    { key: 'tls.rpc.perSecond', what: 'TLS: small RPCs', unit: '/s', better: 'more' },
    { key: 'tls.large.cpu', what: 'TLS: CPU per GB of 1 MB answers', unit: 'ms', better: 'less' },
    { key: 'tls.large.time', what: 'TLS: time per GB of 1 MB answers', unit: 'ms', better: 'less' },
  ],
  run: async (scene) => {
    const { started, to } = await startBefore(await scene.backends.etcdTls(), scene);
    const small = await smallCalls(started, to, scene.pace);
    const large = await largeCalls(started, to, scene.pace);
    return {
      ...{ 'tls.rpc.perSecond': small.perSecond, 'tls.large.time': large.time },
      ...ifProcess(started, { 'tls.rpc.cpu': small.cpu, 'tls.large.cpu': large.cpu }),
    };
  },
};
