/** What visitors of the observe listener can cost, however rude: work between two turns of the loop, and memory. */
import { once } from 'node:events';
import net from 'node:net';
import { text } from 'node:stream/consumers';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { CheckHistory } from '../../../src/observe/check-history.ts';
import { EventLog } from '../../../src/observe/events/event-log.ts';
import { maxStreams } from '../../../src/observe/server/event-stream.ts';
import {
  type ObserveOptions,
  type ObserveServer,
  observeBounds,
  openObserveServer,
} from '../../../src/observe/server/http.ts';
import type { Status } from '../../../src/observe/status.ts';
import { TurnCounter } from '../../support/turn-counter.ts';

const patience = { interval: 5, timeout: 20_000 };

let parts: AsyncDisposableStack;
let server: ObserveServer;
let refused: string[];
let renders: TurnCounter;
let statuses: TurnCounter;
beforeEach(() => {
  parts = new AsyncDisposableStack();
  refused = [];
  renders = parts.use(new TurnCounter());
  statuses = parts.use(new TurnCounter());
});
afterEach(() => parts.disposeAsync());

const page = 'x'.repeat(256 * 1024);

async function open(options: Partial<ObserveOptions> = {}): Promise<void> {
  const status = (): Status => {
    statuses.note();
    return {
      mode: 'normal',
      cluster: {},
      stopping: false,
      members: [],
      events: [],
    } as unknown as Status;
  };
  server = await openObserveServer({
    ...{ host: '127.0.0.1', port: 0, names: [], status },
    metrics: async () => {
      renders.note();
      return { contentType: 'text/plain', text: page };
    },
    stream: { status, events: new EventLog(), checks: new CheckHistory(() => []) },
    page: () => Promise.resolve({ '': { type: 'text/html', body: '' } }),
    onRefused: (reason) => void refused.push(reason),
    ...options,
  });
  parts.defer(() => server.close());
}

/** A connection that has sent `bytes` and reads nothing. */
async function visitor(bytes = ''): Promise<net.Socket> {
  const socket = net.connect(server.port ?? 0, '127.0.0.1');
  socket.on('error', () => {});
  parts.defer(() => void socket.destroy());
  await once(socket, 'connect');
  if (bytes !== '') socket.write(bytes);
  return socket;
}

const get = (path: string, also = ''): string =>
  `GET ${path} HTTP/1.1\r\nhost: 127.0.0.1\r\n${also}\r\n`;

/** The answer to a question on a connection of its own. */
async function ask(path: string): Promise<string> {
  const socket = await visitor(get(path, 'connection: close\r\n'));
  return text(socket);
}

describe('one write of 2,000 requests', () => {
  test('of /metrics has one rendered in a turn, and no more than its reader takes', async () => {
    await open();
    const rude = await visitor(get('/metrics').repeat(2_000));
    await vi.waitUntil(() => renders.total > 0, patience);
    // Others are served meanwhile; these are some hundred turns.
    for (let each = 0; each < 50; each += 1) expect(await ask('/livez')).toMatch(/\bok\n/);
    expect(renders.most).toBe(1);
    // What the kernel holds for both ends, a few MB, and one.
    expect(renders.total).toBeLessThan(100);
    rude.destroy();
    const until = renders.total;
    expect(await ask('/livez')).toMatch(/\bok\n/);
    expect(renders.total).toBeLessThanOrEqual(until + 1); // nothing is made for who has gone
  });

  test('of /events opens one stream', async () => {
    await open();
    await visitor(get('/events').repeat(2_000));
    await vi.waitUntil(() => statuses.total > 0, patience);
    for (let each = 0; each < 20; each += 1) await ask('/livez');
    expect(statuses.total).toBeLessThan(20); // one a stream, and one a second
    expect(statuses.most).toBe(1);
  });
});

test('as many streams as there may be are opened by visitors who ask at once, and the others refused', async () => {
  await open();
  const all = await Promise.all(
    Array.from({ length: observeBounds.connections }, () => visitor(get('/events'))),
  );
  const heads = await Promise.all(
    all.map(async (socket) => String((await once(socket, 'data'))[0])),
  );
  const codes = heads.map((head) => head.slice(9, 12));
  expect(codes.filter((code) => code === '200')).toHaveLength(maxStreams);
  expect(refused).toEqual(Array(observeBounds.connections - maxStreams).fill('streams'));
  // Streams cannot take all of the connections.
  expect(await ask('/livez')).toMatch(/\bok\n/);
});

test('who asks at once gets one rendering, and each after it one of his own', async () => {
  await open();
  const all = Array.from({ length: 40 }, () => visitor(get('/metrics', 'connection: close\r\n')));
  for (const socket of await Promise.all(all))
    expect((await text(socket)).length).toBeGreaterThan(page.length);
  expect(renders.most).toBe(1);
  expect(renders.total).toBeLessThan(40);
  const before = renders.total;
  await ask('/metrics');
  expect(renders.total).toBe(before + 1);
});

describe('connections', () => {
  test('that say nothing make room for those that do', async () => {
    await open();
    const silent = await Promise.all(
      Array.from({ length: observeBounds.connections }, () => visitor()),
    );
    const [first] = silent;
    const gone = new Promise((resolve) => first?.resume().once('close', resolve));
    expect(await ask('/livez')).toMatch(/\bok\n/);
    await gone;
    expect(refused).toEqual(['idle']);
  });

  test('that are all in use keep others out, who are counted', async () => {
    await open({ metrics: () => new Promise(() => {}) });
    await vi.waitUntil(async () => {
      await visitor(get('/metrics'));
      return refused.includes('connections');
    }, patience);
  });
});

describe('a Host', () => {
  const told = async (path: string, host: string): Promise<string> => {
    const socket = await visitor(
      `GET ${path} HTTP/1.1\r\nhost: ${host}\r\nconnection: close\r\n\r\n`,
    );
    return (await text(socket)).slice(9, 12);
  };
  const people = ['/', '/status', '/events', '/page/page.js'];
  const machines = ['/livez', '/readyz', '/metrics'];

  test('of somebody else, whose name may have been led here, gets nothing but what machines ask for', async () => {
    await open();
    for (const host of [
      'evil.example',
      'evil.example:9379',
      'localhost.evil.example',
      '127.0.0.1.evil.example',
      'a b',
    ]) {
      for (const path of people)
        expect([host, path, await told(path, host)]).toEqual([host, path, '421']);
      for (const path of machines)
        expect([host, path, await told(path, host)]).toEqual([host, path, '200']);
    }
    expect(new Set(refused)).toEqual(new Set(['host']));
  });

  test('that is an address, localhost, or a name that was given gets all of it', async () => {
    await open({ names: ['lb.example.com'] });
    for (const host of [
      '127.0.0.1:9379',
      '[::1]:9379',
      '10.0.0.1',
      'localhost',
      'LocalHost:80',
      'LB.example.com.:9379',
    ]) {
      expect([host, await told('/status', host)]).toEqual([host, '200']);
    }
    expect(refused).toEqual([]);
  });
});
