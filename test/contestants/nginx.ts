/**
 * nginx with its stream module. The free edition has no active checks: it learns of a failure from
 * connections that fail, so what can be tuned is how soon it gives a member up and tries it again.
 */
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { freePorts } from '../../src/demo/free-ports.ts';
import { Child } from '../machine/child.ts';
import { findNginx } from '../machine/programs.ts';
import { type Contestant, type Endpoint, hostPort } from './contestant.ts';

export const nginx: Contestant = {
  name: 'nginx',
  async start(endpoints, { prefix = [], env, folder }) {
    const program = await findNginx();
    const [port = 0] = await freePorts(1);
    const file = join(folder, 'nginx.conf');
    await writeFile(file, configuration(folder, program.streamModule, port, endpoints));
    const child = new Child('nginx', [...prefix, program.path, '-p', folder, '-c', file], {
      env: { ...env, ...program.env },
    });
    await child.listens(port);
    return {
      addresses: [`127.0.0.1:${port}`],
      child,
      // SIGKILL would leave its workers behind.
      [Symbol.asyncDispose]: () => child.end('SIGTERM'),
    };
  },
};

function configuration(
  folder: string,
  streamModule: string,
  port: number,
  endpoints: readonly Endpoint[],
): string {
  return `
load_module ${streamModule};
daemon off;
worker_processes 1;
worker_rlimit_nofile 20000;
pid ${folder}/nginx.pid;
error_log ${folder}/nginx.log warn;
events { worker_connections 16000; }
stream {
  upstream etcd {
    least_conn;
${endpoints.map((endpoint) => `    server ${hostPort(endpoint)} max_fails=1 fail_timeout=5s;`).join('\n')}
  }
  server {
    listen 127.0.0.1:${port} so_keepalive=on;
    proxy_connect_timeout 1s;
    proxy_timeout 24h;
    proxy_socket_keepalive on;
    proxy_pass etcd;
  }
}
`;
}
