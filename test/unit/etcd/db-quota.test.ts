/** The quota of a member's database, beside its status: when it is read, and what of. A real server tells it. */
import { once } from 'node:events';
import { createServer, type RequestListener, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { withQuota } from '../../../src/etcd/db-quota.ts';
import { quotaIn, quotaShare } from '../../../src/etcd/status/quota.ts';
import type { StatusClient } from '../../../src/etcd/status-poller.ts';
import { someFacts } from '../../support/described-cluster.ts';

const line = 'etcd_server_quota_backend_bytes';
let server: Server;
/** What is asked for; counts the readings. */
let asked: string[];
let answer: RequestListener;
let version: string;
let isAway: boolean;
let closed: boolean;
let client: StatusClient;

beforeEach(async () => {
  // Whatever the interval, so that the clock of this test decides.
  vi.useFakeTimers({ toFake: ['performance'] });
  [asked, version, isAway, closed] = [[], '3.5.16', false, false];
  answer = (_, response) => response.end(`# HELP ${line} x\n${line} 2.147483648e+09\nother 1\n`);
  server = createServer((request, response) => {
    asked.push(request.url ?? '');
    answer(request, response);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const poll = async () => {
    if (isAway) throw new Error('refused');
    return { ...someFacts, version };
  };
  const close = () => {
    closed = true;
  };
  client = withQuota({ status: poll, close }, () => ({ url, tls: {} }));
});
afterEach(() => {
  client.close();
  server.close();
  server.closeAllConnections();
  vi.useRealTimers();
});

/** The quota of the next statuses, once it is what is expected. */
async function tells(quota: number | undefined): Promise<void> {
  await vi.waitFor(async () => expect((await client.status()).dbQuota).toBe(quota));
}

/** Lets `minutes` go by, and as many readings follow as are due. */
async function later(minutes: number): Promise<void> {
  vi.advanceTimersByTime(minutes * 60_000);
  await client.status();
}

test('no status waits for it, and it is read once', async () => {
  expect(await client.status()).toEqual(someFacts);
  await tells(2 ** 31);
  await later(9.9);
  expect(asked).toEqual(['/metrics']);
});

test('it is read again after ten minutes, with another version, and when the member was away', async () => {
  await tells(2 ** 31);
  answer = (_, response) => response.end(`${line} 4e+09\n`);
  await later(10);
  await tells(4e9);
  expect(asked).toHaveLength(2);
  version = '3.6.0';
  await later(1);
  await vi.waitFor(() => expect(asked).toHaveLength(3));
  isAway = true;
  await expect(client.status()).rejects.toThrow('refused');
  isAway = false;
  await later(1);
  await vi.waitFor(() => expect(asked).toHaveLength(4));
});

test('a member that comes and goes is not asked more than once in two seconds', async () => {
  await tells(2 ** 31);
  for (let round = 0; round < 5; round += 1) {
    isAway = true;
    await expect(client.status()).rejects.toThrow('refused');
    isAway = false;
    await client.status();
  }
  await later(1);
  await vi.waitUntil(() => asked.length > 1);
  expect(asked).toHaveLength(2);
});

test.each<[string, RequestListener]>([
  ['refuses', (_, response) => response.writeHead(404).end(`${line} 1\n`)],
  ['says something else', (_, response) => response.end('hello')],
  ['sends without end', (_, response) => void response.write('x'.repeat(5 * 1024 * 1024))],
  ['breaks off', (_, response) => response.socket?.destroy()],
])('it stays absent where the member %s', async (_, listener) => {
  answer = listener;
  await client.status();
  await vi.waitFor(() => expect(asked).toHaveLength(1));
  await vi.waitFor(() =>
    expect(
      new Promise((resolve) => server.getConnections((_error, count) => resolve(count))),
    ).resolves.toBe(0),
  );
  expect(await client.status()).toEqual(someFacts);
});

test('what was known stays when a reading fails', async () => {
  await tells(2 ** 31);
  answer = (_, response) => response.socket?.destroy();
  await later(10);
  await vi.waitFor(() => expect(asked).toHaveLength(2));
  await tells(2 ** 31);
});

test('the end of the client ends a reading', async () => {
  const arrived = Promise.withResolvers<void>();
  let isGone = false;
  answer = (request) => {
    request.socket.on('close', () => {
      isGone = true;
    });
    arrived.resolve();
  };
  await client.status();
  await arrived.promise;
  client.close();
  await vi.waitUntil(() => isGone); // sooner than the bound on a reading
  expect(closed).toBe(true);
});

describe('in a text', () => {
  test.each([
    [`${line} 2.147483648e+09`, 2 ** 31],
    [`a 1\n${line} 8589934592\nb 2`, 8 * 2 ** 30],
    [`${line} -1`, undefined],
    [`${line} 0`, undefined],
    [`${line} +Inf`, undefined],
    [`${line} x`, undefined],
    [`x${line} 5`, undefined],
    ['', undefined],
  ])('%j is %s', (text, quota) => {
    expect(quotaIn(text)).toBe(quota);
  });

  test('the share of it is not known without it', () => {
    expect(quotaShare({ dbSize: 80, dbQuota: 100 })).toBe(0.8);
    expect(quotaShare({ dbSize: 80 })).toBeUndefined();
  });
});
