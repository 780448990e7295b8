/** etcd's own TCP gateway, with its defaults: a member that refuses is set aside for a minute. */
import { findEtcd } from '../../src/demo/etcd-binary.ts';
import { Child } from '../machine/child.ts';
import { type Contestant, hostPort, listenPort } from './contestant.ts';

export const gateway: Contestant = {
  name: 'gateway',
  async start(endpoints, { prefix = [], env, ...options }) {
    const { etcd } = await findEtcd();
    const port = await listenPort(options);
    const child = new Child(
      'etcd gateway',
      [
        ...prefix,
        ...[etcd, 'gateway', 'start', '--listen-addr', `127.0.0.1:${port}`],
        ...['--endpoints', endpoints.map(hostPort).join()],
      ],
      { ...(env && { env }) },
    );
    await child.listens(port);
    return {
      addresses: [`127.0.0.1:${port}`],
      child,
      [Symbol.asyncDispose]: () => child.end(),
    };
  },
};
