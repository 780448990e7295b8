/**
 * The admin socket: a Unix socket on which operators give orders. Its file's mode, 0600, is all the
 * protection there is, and all that is needed: whoever may open it may as well signal the process.
 *
 * Owns the socket and its file, and how much is taken from whom (the bounds are those of management/server.ts). The API
 * behind it (api.ts) is loaded with the first order: a balancer that nobody talks to need not hold it in memory.
 */
import { mkdir, rmdir } from 'node:fs/promises';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { dirname } from 'node:path';
import { listenPrivately, removeStaleSocket } from '../lib/net/unix-socket.ts';
import { SettingError } from '../lib/setting-error.ts';
import {
  BoundedServer,
  type Bounds,
  type Exchange,
  mostConnections,
  type RefusalReason,
} from '../management/server.ts';
import type { EventLog } from '../observe/events/event-log.ts';
import { unusable } from '../systemd/inherited.ts';
import type { ApiOptions } from './api.ts';
import { AdminEvents, maxAdminStreams } from './event-stream.ts';

/** Of all visitors together. */
export const adminBounds: Bounds = {
  connections: mostConnections.admin,
  // A reload asks members twice before it answers.
  ...{ head: 10_000, answer: 60_000 },
  ...{ requests: 1_000, headBytes: 8_192, bodyBytes: 64 * 1024 },
};

export interface AdminServerOptions extends ApiOptions {
  readonly events: EventLog;
  readonly onRefused: (reason: RefusalReason) => void;
}

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
  options: AdminServerOptions,
): Promise<AdminServer> {
  if ('path' in place) await removeStaleSocket('admin-socket', place.path);
  const { events, onRefused } = options;
  const streams = new AdminEvents(events);
  const api = lazily(() => loadApi(options));
  const handle = async ({ request, response, isStream }: Exchange): Promise<void> => {
    if (request.method !== 'GET' || request.url?.split('?')[0] !== '/v1/events') {
      await (await api())(request, response);
    } else if (streams.open(request, response)) isStream();
    else {
      onRefused('streams');
      refuse(
        response,
        503,
        `${maxAdminStreams} streams are open, and no more may be; end an etcd-lb events --follow`,
      );
    }
  };
  const server = new BoundedServer({
    ...{ bounds: adminBounds, refuse, onRefused },
    handle: (exchange) => {
      // A request that makes no sense, such as a target that is no URL.
      handle(exchange).catch(() => exchange.response.destroy());
    },
  });
  const { listener } = server;
  return new Promise((resolve, reject) => {
    listener.once('error', (error) => {
      const isOurs = 'path' in place;
      reject(
        isOurs
          ? new SettingError(
              'admin-socket',
              `unix:${place.path} cannot be opened: ${error.message}`,
            )
          : unusable(place.fd, error),
      );
    });
    listener.once('listening', () => {
      listener.removeAllListeners('error');
      listener.on('error', () => {}); // an order that could not be accepted must not end the balancer
      resolve({ close: () => server.close() });
    });
    listenPrivately(listener, place);
  });
}

/**
 * The same at a path whose folder nobody may have made: it is made if its parent is there, and removed
 * with the socket.
 */
export async function openWithFolder(
  path: string,
  options: AdminServerOptions,
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
    const server = await openAdminServer({ path }, options);
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

type Handler = (request: IncomingMessage, response: ServerResponse) => Promise<void>;

async function loadApi(options: ApiOptions): Promise<Handler> {
  const { adminApi } = await import('./api.ts');
  const { answer } = await import('./answer.ts');
  const { fetch } = adminApi(options);
  return (incoming, outgoing) => answer(incoming, outgoing, (request) => fetch(request));
}

/** @param why one clause. */
function refuse(response: ServerResponse, code: number, why: string): void {
  const body = JSON.stringify({ error: `${why}.` });
  response.writeHead(code, {
    'content-type': 'application/json',
    'content-length': Buffer.byteLength(body),
  });
  response.end(body);
}

function lazily<T>(make: () => Promise<T>): () => Promise<T> {
  let made: Promise<T> | undefined;
  return () => (made ??= make());
}
