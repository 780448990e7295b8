/**
 * The admin socket: a Unix socket on which operators give orders. Its file's mode, 0600, is all the
 * protection there is, and all that is needed: whoever may open it may as well signal the process.
 *
 * Owns the socket and its file. The API behind it (api.ts) is loaded with the first order: a balancer
 * that nobody talks to need not hold it in memory.
 */
import { mkdir, rmdir } from 'node:fs/promises';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { dirname } from 'node:path';
import { type AdminSocket, usualAdminSocket } from '../config/admin-socket.ts';
import { Refusal } from '../config/error.ts';
import { http } from '../node-http.ts';
import { listenPrivately, removeStaleSocket } from '../unix-socket.ts';
import type { ApiOptions } from './api.ts';

export interface AdminServer {
  readonly path: string;
  /** Ends it, with the streams of those who listen; the file is removed. */
  close(): void;
}

/** An admin socket that could not be opened, and does not have to be; `why` is one clause. */
export interface Unavailable {
  readonly path: string;
  readonly why: string;
}

/**
 * Opens the socket. Throws `Refusal` when it cannot be opened where somebody wants it; where it is merely
 * usual, tells why not.
 */
export async function openAdminSocket(
  socket: Exclude<AdminSocket, { kind: 'off' }>,
  api: Omit<ApiOptions, 'signal'>,
): Promise<AdminServer | Unavailable> {
  if (socket.kind === 'path') return await open(socket.path, api);
  const path = usualAdminSocket;
  const folder = dirname(path);
  const isOurs = await mkdir(folder, { mode: 0o755 }).then(
    () => true,
    () => false,
  );
  const tidy = (): void => {
    if (isOurs) rmdir(folder).catch(() => {}); // another one may have come to use it
  };
  try {
    const server = await open(path, api);
    return { path, close: () => server.close(tidy) };
  } catch (error) {
    tidy();
    if (!(error instanceof Refusal)) throw error;
    return { path, why: error.message };
  }
}

async function open(
  path: string,
  api: Omit<ApiOptions, 'signal'>,
): Promise<AdminServer & { close(done?: () => void): void }> {
  await removeStaleSocket('admin-socket', path);
  const closing = new AbortController();
  const handler = lazily(() => loadApi({ ...api, signal: closing.signal }));
  const server = http.createServer((request, response) => {
    void handler().then((handle) => handle(request, response));
  });
  return new Promise((resolve, reject) => {
    server.once('error', (error) => {
      reject(new Refusal('admin-socket', `unix:${path} cannot be opened: ${error.message}`));
    });
    server.once('listening', () => {
      server.removeAllListeners('error');
      server.on('error', () => {}); // an order that could not be accepted must not end the balancer
      resolve({
        path,
        close: (done?: () => void) => {
          closing.abort();
          server.close(done);
          server.closeAllConnections();
        },
      });
    });
    listenPrivately(server, { path });
  });
}

type Handler = (request: IncomingMessage, response: ServerResponse) => unknown;

async function loadApi(options: ApiOptions): Promise<Handler> {
  const { adminApi } = await import('./api.ts');
  const { getRequestListener } = await import('@hono/node-server');
  return getRequestListener(adminApi(options).fetch, { overrideGlobalObjects: false });
}

function lazily<T>(make: () => Promise<T>): () => Promise<T> {
  let made: Promise<T> | undefined;
  return () => (made ??= make());
}
