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
import { Refusal } from '../config/error.ts';
import { unusable } from '../config/inherited.ts';
import { http } from '../node-http.ts';
import { listenPrivately, removeStaleSocket } from '../unix-socket.ts';
import type { ApiOptions } from './api.ts';

export interface AdminServer {
  /** Ends it, with the streams of those who listen; the file is removed, but not that of an inherited one. */
  close(): void;
}

/** Where it is: at a path, or a descriptor of a socket that listens already. */
export type AdminPlace = { readonly path: string } | { readonly fd: number };

/**
 * Opens the socket; its folder must be there. Throws `AddressInUse` or another `Refusal`, or `ConfigError`
 * for an inherited one that cannot be used.
 */
export async function openAdminServer(
  place: AdminPlace,
  api: Omit<ApiOptions, 'signal'>,
): Promise<AdminServer> {
  if ('path' in place) await removeStaleSocket('admin-socket', place.path);
  const closing = new AbortController();
  const handler = lazily(() => loadApi({ ...api, signal: closing.signal }));
  const server = http.createServer((request, response) => {
    handler()
      .then((handle) => handle(request, response))
      .catch(() => response.destroy()); // a request that makes no sense, such as a target that is no URL
  });
  return new Promise((resolve, reject) => {
    server.once('error', (error) => {
      const isOurs = 'path' in place;
      reject(
        isOurs
          ? new Refusal('admin-socket', `unix:${place.path} cannot be opened: ${error.message}`)
          : unusable(place.fd, error),
      );
    });
    server.once('listening', () => {
      server.removeAllListeners('error');
      server.on('error', () => {}); // an order that could not be accepted must not end the balancer
      resolve({
        close: () => {
          closing.abort();
          server.close();
          server.closeAllConnections();
        },
      });
    });
    listenPrivately(server, place);
  });
}

/**
 * The same at a path whose folder nobody may have made: it is made if its parent is there, and removed
 * with the socket.
 */
export async function openWithFolder(
  path: string,
  api: Omit<ApiOptions, 'signal'>,
): Promise<AdminServer> {
  const folder = dirname(path);
  const isOurs = await mkdir(folder, { mode: 0o755 }).then(
    () => true,
    () => false,
  );
  const tidy = (): void => {
    if (isOurs) rmdir(folder).catch(() => {}); // another process may have come to use it
  };
  try {
    const server = await openAdminServer({ path }, api);
    return {
      close: () => {
        server.close();
        tidy();
      },
    };
  } catch (error) {
    tidy();
    throw error;
  }
}

type Handler = (request: IncomingMessage, response: ServerResponse) => unknown;

async function loadApi(options: ApiOptions): Promise<Handler> {
  const { adminApi } = await import('./api.ts');
  const { answer } = await import('./answer.ts');
  const { fetch } = adminApi(options);
  return (incoming, outgoing) => answer(incoming, outgoing, (request) => fetch(request));
}

function lazily<T>(make: () => Promise<T>): () => Promise<T> {
  let made: Promise<T> | undefined;
  return () => (made ??= make());
}
