/**
 * nginx with its stream module. The free edition has no active checks: it learns of a failure from
 * connections that fail, so what can be tuned is how soon it gives a member up and tries it again.
 */
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Child } from '../machine/child.ts';
import { findNginx } from '../machine/programs.ts';
import { type Contestant, type Endpoint, hostPort, listenPort } from './contestant.ts';

export const nginx: Contestant = {
  name: 'nginx',
  async start(endpoints, { prefix = [], env, folder, maxConnections = 8_000, ...options }) {
    const program = await findNginx();
    const port = await listenPort(options);
    const file = join(folder, 'nginx.conf');
    const { streamModule } = program;
    await writeFile(file, configuration({ folder, streamModule, port, endpoints, maxConnections }));
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

interface Configuration {
  readonly folder: string;
  readonly streamModule: string;
  readonly port: number;
  readonly endpoints: readonly Endpoint[];
  readonly maxConnections: number;
}

function configuration(settings: Configuration): string {
  const { folder, streamModule, port, endpoints, maxConnections } = settings;
  // A session takes two connections.
  return `
load_module ${streamModule};
daemon off;
worker_processes 1;
worker_rlimit_nofile ${maxConnections * 2 + 100};
pid ${folder}/nginx.pid;
error_log ${folder}/nginx.log warn;
events { worker_connections ${maxConnections * 2}; }
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
