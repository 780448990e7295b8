/**
 * The admin socket: a Unix socket for operators. The mode of its file, 0600, is its only protection. That is
 * enough: a user who may open it may also signal the process.
 *
 * Owns the socket, its file, and the bounds on its visitors, which management/server.ts enforces. The API
 * behind it (api.ts) is loaded with the first request: a balancer that nobody talks to does not hold it in memory.
 */
import { mkdir, rmdir } from 'node:fs/promises';
import type { ServerResponse } from 'node:http';
import { dirname } from 'node:path';
import { removeStaleSocket } from '../lib/net/unix-socket.ts';
import { SettingError } from '../lib/setting-error.ts';
import type { Closable } from '../management/listener.ts';
import {
  BoundedServer,
  type Bounds,
  type Exchange,
  mostConnections,
  type RefusalReason,
  type UnixPlace,
} from '../management/server.ts';
import { eventMessage, SseStreams } from '../management/sse.ts';
import type { EventLog, NumberedEvent } from '../observe/events/event-log.ts';
import type { Handler } from './answer.ts';
import type { ApiOptions } from './api.ts';

/** How many streams of `/v1/events` may be open at a time. */
export const maxAdminStreams = mostConnections.admin / 2;

/** The bounds on all visitors together. */
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

/**
 * Opens the socket; its folder must exist. Closing it ends its streams and removes its file, unless it is inherited.
 * Throws `AddressInUse` or another `SettingError`, or `ConfigError` for an inherited socket that cannot be used.
 */
export async function openAdminServer(
  place: UnixPlace,
  options: AdminServerOptions,
): Promise<Closable> {
  const path = 'path' in place ? place.path : undefined;
  if (path !== undefined) await removeStaleSocket('admin-socket', path);
  const { onRefused } = options;
  const handle = handler(options);
  const server = new BoundedServer({
    ...{ bounds: adminBounds, refuse, onRefused },
    handle: (exchange) => {
      // An invalid request, such as a target that is not a URL.
      handle(exchange).catch(() => exchange.response.destroy());
    },
  });
  await server.listen(
    place,
    ({ message }) => new SettingError('admin-socket', `unix:${path} cannot be opened: ${message}`),
  );
  return server;
}

/**
 * The same at a path whose folder may not exist: it is created if its parent exists, and removed
 * with the socket.
 */
export async function openWithFolder(path: string, options: AdminServerOptions): Promise<Closable> {
  const folder = dirname(path);
  const isOurs = await mkdir(folder, { mode: 0o755 }).then(
    () => true,
    () => false,
  );
  const tidy = (): void => {
    if (isOurs) rmdir(folder).catch(() => {}); // another process may use it by now
  };
  const server = await openAdminServer({ path }, options).catch((error) => {
    tidy();
    throw error;
  });
  return {
    close: () => {
      server.close();
      tidy();
    },
  };
}

/** Answers requests: the stream of events here, all else by the API, which is loaded on first use. */
function handler(options: AdminServerOptions): (exchange: Exchange) => Promise<void> {
  const { events, onRefused } = options;
  const tell = (event: NumberedEvent): string => eventMessage(event.kind, event);
  const streams = new SseStreams(maxAdminStreams, () =>
    events.subscribe((event) => streams.publish(tell(event))),
  );
  let api: Promise<Handler> | undefined;
  return async ({ request, response, isStream }) => {
    if (request.method !== 'GET' || request.url?.split('?')[0] !== '/v1/events') {
      api ??= import('./answer.ts').then(({ adminHandler }) => adminHandler(options));
      await (await api)(request, response);
      return;
    }
    if (streams.open(request, response, (lastId) => events.after(lastId).map(tell).join(''))) {
      isStream();
      return;
    }
    onRefused('streams');
    refuse(
      response,
      503,
      `${maxAdminStreams} streams are open, and no more may be; end an etcd-lb events --follow`,
    );
  };
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
