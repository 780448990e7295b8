/** What visitors of the admin socket can cost, and that the rest goes on. */
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import net from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import type { Operations } from '../../../src/admin/operations.ts';
import type { Pausing } from '../../../src/admin/pausing.ts';
import { adminBounds, maxAdminStreams, openAdminServer } from '../../../src/admin/server.ts';
import { EventLog } from '../../../src/observe/events/event-log.ts';
import type { Status } from '../../../src/observe/status.ts';

const patience = { interval: 5, timeout: 20_000 };

let parts: AsyncDisposableStack;
let path: string;
let events: EventLog;
let refused: string[];
/** Streams that are told of events. */
let following: number;
beforeEach(async () => {
  parts = new AsyncDisposableStack();
  const folder = await mkdtemp(join(tmpdir(), 'etcd-lb-admin-server-'));
  parts.defer(() => rm(folder, { recursive: true }));
  path = join(folder, 'admin.sock');
  refused = [];
  following = 0;
  events = new EventLog();
  const subscribe = events.subscribe.bind(events);
  events.subscribe = (listener) => {
    following += 1;
    const unsubscribe = subscribe(listener);
    return () => {
      following -= 1;
      unsubscribe();
    };
  };
  const server = await openAdminServer(
    { path },
    {
      ...{ events, operations: {} as Operations, pausing: {} as Pausing, isStopping: () => false },
      status: () => ({ mode: 'normal' }) as Status,
      reload: async () => ({ kind: 'applied', changed: [], waiting: [] }),
      onRefused: (reason) => void refused.push(reason),
    },
  );
  parts.defer(() => server.close());
});
afterEach(() => parts.disposeAsync());

async function visitor(bytes: string): Promise<net.Socket> {
  const socket = net.connect({ path });
  socket.on('error', () => {});
  parts.defer(() => void socket.destroy());
  await once(socket, 'connect');
  socket.write(bytes);
  return socket;
}

const get = (path: string, also = '') => `GET ${path} HTTP/1.1\r\nhost: x\r\n${also}\r\n`;
const ask = async (path: string) => text(await visitor(get(path, 'connection: close\r\n')));

function happens(why: string): void {
  events.record({ kind: 'observe-waits', why });
}

test('a stream that nobody reads is closed, and nothing is held for it', async () => {
  await visitor(get('/v1/events'));
  await vi.waitUntil(() => following === 1, patience);
  await vi.waitUntil(() => {
    happens('x'.repeat(64 * 1024));
    return following === 0;
  }, patience);
});

test('a stream resumes after the last event that its reader has', async () => {
  for (const message of ['first', 'second', 'third']) happens(message);
  const id = events.after(undefined)[1]?.id;
  const socket = await visitor(get('/v1/events', `last-event-id: ${id}\r\n`));
  let told = '';
  socket.on('data', (chunk) => {
    told += chunk;
  });
  await vi.waitUntil(() => told.includes('third'), patience);
  happens('fourth');
  await vi.waitUntil(() => told.includes('fourth'), patience);
  expect(told).not.toMatch(/first|second/);
});

test('streams cannot take all connections, and what is too many is refused in a sentence', async () => {
  const streams = Array.from({ length: maxAdminStreams }, () => visitor(get('/v1/events')));
  await Promise.all((await Promise.all(streams)).map((socket) => once(socket, 'data')));
  expect(await ask('/v1/events')).toMatch(/ 503 [\s\S]*\{"error":"16 streams are open, .*\."\}$/);
  expect(refused).toEqual(['streams']);
  expect(await ask('/v1/status')).toContain('{"mode":"normal"}');
});

test('silent connections make room for an order', async () => {
  await Promise.all(Array.from({ length: adminBounds.connections }, () => visitor('')));
  expect(await ask('/v1/status')).toContain('{"mode":"normal"}');
  expect(refused).toEqual(['idle']);
});

test('an order that is too large is refused in a sentence, in JSON', async () => {
  const post = (also: string) => `POST /v1/reload HTTP/1.1\r\nhost: x\r\n${also}\r\n\r\n`;
  const large = await visitor(post('content-length: 65537'));
  expect(await text(large)).toMatch(/ 413 [\s\S]*\{"error":"a body may have 65536 bytes\."\}$/);
  const chunked = await visitor(post('transfer-encoding: chunked'));
  expect(await text(chunked)).toMatch(/ 411 [\s\S]*\{"error":"a body needs a content-length\."\}$/);
});
