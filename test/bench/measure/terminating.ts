/** Small calls and answers of 1 MB in TLS that ends at the contestant; etcd behind it speaks plaintext. */
import type { Measure } from '../measure.ts';
import { ifProcess, largeCalls, smallCalls, startBefore } from './calls.ts';

export const terminating: Measure = {
  name: 'terminating',
  what: 'As rpc and large, in TLS 1.3 that ends at the contestant, the same suite for all.',
  only: ['haproxy', 'etcd-lb'],
  rounds: 3,
  figures: [
    {
      key: 'terminating.rpc.cpu',
      what: 'TLS ended: CPU per small RPC',
      unit: 'µs',
      better: 'less',
    },
    {
      ...{ key: 'terminating.large.cpu', what: 'TLS ended: CPU per GB of 1 MB answers' },
      ...{ unit: 'ms', better: 'less' },
    },
  ],
  run: async (scene) => {
    const { tls } = await scene.backends.etcdTls();
    const served = tls && { serve: { cert: tls.cert, key: tls.key } };
    const { started, to } = await startBefore(await scene.backends.etcd(), scene, 1, served);
    const inTls = { ...to, tls: true };
    const small = await smallCalls(started, inTls, scene.pace);
    const large = await largeCalls(started, inTls, scene.pace);
    return ifProcess(started, {
      'terminating.rpc.cpu': small.cpu,
      'terminating.large.cpu': large.cpu,
    });
  },
};
