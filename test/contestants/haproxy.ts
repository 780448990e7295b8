/**
 * HAProxy with active checks, as its manual advises for long-lived connections: /health over HTTP,
 * fast once in doubt, sessions closed when a member is down, another member when a dial fails.
 */
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { Child } from '../machine/child.ts';
import { findHaproxy } from '../machine/programs.ts';
import {
  type Contestant,
  type Endpoint,
  hostPort,
  listenPort,
  type MemberTls,
  type StartOptions,
} from './contestant.ts';

export const haproxy: Contestant = {
  name: 'haproxy',
  async start(endpoints, options) {
    const { prefix = [], env, folder } = options;
    const program = await findHaproxy();
    const port = await listenPort(options);
    const file = join(folder, 'haproxy.cfg');
    await writeFile(file, configuration(port, endpoints, await checkOf(options), options));
    const child = new Child('haproxy', [...prefix, program.path, '-db', '-f', file], {
      env: { ...env, ...program.env },
    });
    await child.listens(port);
    // Its first round of checks; it counts every member as up until then.
    await delay(300);
    return { addresses: [`127.0.0.1:${port}`], child, [Symbol.asyncDispose]: () => child.end() };
  },
};

/** How a server is checked, as said on its line. */
async function checkOf({ checkPort, tls, folder }: StartOptions): Promise<string> {
  const words = ['check', ...(checkPort === undefined ? [] : [`port ${checkPort}`])];
  if (tls && checkPort === undefined)
    words.push(`check-ssl verify none crt ${await inOneFile(tls, folder)}`);
  return words.join(' ');
}

/** HAProxy wants a certificate and its key in one file. */
async function inOneFile({ cert, key }: MemberTls, folder: string): Promise<string> {
  const file = join(folder, 'check.pem');
  const texts = await Promise.all([readFile(cert, 'utf8'), readFile(key, 'utf8')]);
  await writeFile(file, texts.join('\n'), { mode: 0o600 });
  return file;
}

function configuration(
  port: number,
  endpoints: readonly Endpoint[],
  check: string,
  { maxConnections = 9_000 }: StartOptions,
): string {
  return `
global
  nbthread 1
  maxconn ${maxConnections}
defaults
  maxconn ${maxConnections}
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
${endpoints.map((endpoint) => `  server ${endpoint.name} ${hostPort(endpoint)} ${check}`).join('\n')}
`;
}
