/**
 * HAProxy with active checks, as its manual advises for long-lived connections: /health over HTTP,
 * fast once in doubt, sessions closed when a member is down, another member when a dial fails.
 */
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { freePorts } from '../../src/demo/free-ports.ts';
import { Child } from '../machine/child.ts';
import { findHaproxy } from '../machine/programs.ts';
import { type Contestant, type Endpoint, hostPort } from './contestant.ts';

export const haproxy: Contestant = {
  name: 'haproxy',
  async start(endpoints, { prefix = [], env, folder }) {
    const program = await findHaproxy();
    const [port = 0] = await freePorts(1);
    const file = join(folder, 'haproxy.cfg');
    await writeFile(file, configuration(port, endpoints));
    const child = new Child('haproxy', [...prefix, program.path, '-db', '-f', file], {
      env: { ...env, ...program.env },
    });
    await child.listens(port);
    // Its first round of checks; it counts every member as up until then.
    await delay(300);
    return { addresses: [`127.0.0.1:${port}`], child, [Symbol.asyncDispose]: () => child.end() };
  },
};

function configuration(port: number, endpoints: readonly Endpoint[]): string {
  return `
global
  maxconn 9000
defaults
  mode tcp
  timeout connect 1s
  timeout check 1s
  timeout client 24h
  timeout server 24h
  option redispatch 1
  retries 3
  option clitcpka
  option srvtcpka
listen etcd
  bind 127.0.0.1:${port}
  balance leastconn
  option httpchk GET /health
  default-server inter 2s fastinter 250ms downinter 250ms fall 3 rise 2 on-marked-down shutdown-sessions
${endpoints.map((endpoint) => `  server ${endpoint.name} ${hostPort(endpoint)} check`).join('\n')}
`;
}
