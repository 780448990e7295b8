/** The node-tcp-proxy package as its own command starts it: round robin, no checks. */
import { createRequire } from 'node:module';
import { Child } from '../machine/child.ts';
import { type Contestant, listenPort } from './contestant.ts';

const program = createRequire(import.meta.url).resolve('node-tcp-proxy/tcp-proxy-cli.js');

export const nodeTcpProxy: Contestant = {
  name: 'node-tcp-proxy',
  async start(endpoints, { prefix = [], env, ...options }) {
    const port = await listenPort(options);
    const child = new Child(
      'node-tcp-proxy',
      [
        ...prefix,
        ...[process.execPath, program, '--q', '--hostname', '127.0.0.1'],
        ...['--proxyPort', String(port)],
        ...['--serviceHost', endpoints.map(({ host }) => host).join()],
        ...['--servicePort', endpoints.map((each) => String(each.port)).join()],
      ],
      { ...(env && { env }) },
    );
    await child.listens(port);
    return { addresses: [`127.0.0.1:${port}`], child, [Symbol.asyncDispose]: () => child.end() };
  },
};
