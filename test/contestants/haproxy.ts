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
    const [check, bind] = [await checkOf(options), await bindOf(options)];
    await writeFile(file, configuration(port, endpoints, check, bind, options));
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
    words.push(`check-ssl verify none crt ${await inOneFile(tls, join(folder, 'check.pem'))}`);
  return words.join(' ');
}

/** How clients are met, as said on the line of the address. */
async function bindOf({ serve, folder }: StartOptions): Promise<string> {
  if (serve === undefined) return '';
  const file = await inOneFile(serve, join(folder, 'serve.pem'));
  return `ssl crt ${file} alpn h2,http/1.1 ssl-min-ver TLSv1.2`;
}

/** HAProxy wants a certificate and its key in one file. */
async function inOneFile(
  { cert, key }: Pick<MemberTls, 'cert' | 'key'>,
  file: string,
): Promise<string> {
  const texts = await Promise.all([readFile(cert, 'utf8'), readFile(key, 'utf8')]);
  await writeFile(file, texts.join('\n'), { mode: 0o600 });
  return file;
}

function configuration(
  port: number,
  endpoints: readonly Endpoint[],
  check: string,
  bind: string,
  { maxConnections = 9_000 }: StartOptions,
): string {
  return `
global
  nbthread 1
  ssl-default-bind-ciphersuites TLS_AES_128_GCM_SHA256:TLS_AES_256_GCM_SHA384
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
  bind 127.0.0.1:${port} ${bind}
  balance leastconn
  option httpchk GET /health
  default-server inter 2s fastinter 250ms downinter 250ms fall 3 rise 2 on-marked-down shutdown-sessions
${endpoints.map((endpoint) => `  server ${endpoint.name} ${hostPort(endpoint)} ${check}`).join('\n')}
`;
}
