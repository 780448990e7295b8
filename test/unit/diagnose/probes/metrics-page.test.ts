/** `/metrics` of scripted peers; a real etcd's is read in test/etcd/check.test.ts. */
import { once } from 'node:events';
import http, { type RequestListener } from 'node:http';
import type { AddressInfo } from 'node:net';
import { expect, onTestFinished, test } from 'vitest';
import { readMetricsPage } from '../../../../src/diagnose/probes/metrics-page.ts';

/** What is read of a peer that answers so. */
async function pageOf(listener: RequestListener, timeout = 2_000) {
  const server = http.createServer(listener).listen(0, '127.0.0.1');
  await once(server, 'listening');
  onTestFinished(() => {
    server.close();
    server.closeAllConnections();
  });
  const { port } = server.address() as AddressInfo;
  return readMetricsPage({ url: `http://127.0.0.1:${port}`, tls: {}, timeout });
}

test('the figures and the clock', async () => {
  const before = Date.now();
  const { metrics, clock } = await pageOf((request, response) => {
    response.setHeader('Date', 'Thu, 01 Jan 2026 00:00:00 GMT');
    response.end(request.url === '/metrics' ? 'up 1\n' : '');
  });
  expect(metrics).toEqual({ kind: 'read', samples: [{ name: 'up', labels: {}, value: 1 }] });
  expect(clock?.date).toBe(Date.UTC(2026, 0, 1));
  expect(clock?.askedAt).toBeGreaterThanOrEqual(before);
  expect(clock?.answeredAt).toBeGreaterThanOrEqual(clock?.askedAt ?? Number.NaN);
});

test('an answer without figures still tells the time, or does not', async () => {
  expect(await pageOf((_request, response) => void response.writeHead(404).end())).toEqual({
    metrics: { kind: 'unread', why: 'answered 404' },
    clock: {
      date: expect.any(Number),
      askedAt: expect.any(Number),
      answeredAt: expect.any(Number),
    },
  });
  const silent = await pageOf((_request, response) => {
    response.sendDate = false;
    response.end();
  });
  expect(silent).toEqual({ metrics: { kind: 'read', samples: [] } });
});

test('no answer in time, or half of one, is told as such', async () => {
  const why = 'timed out after 50ms';
  expect(await pageOf(() => {}, 50)).toEqual({ metrics: { kind: 'unread', why } });
  const half = await pageOf((_request, response) => void response.write('up 1\n'), 50);
  expect(half).toMatchObject({ metrics: { kind: 'unread', why } });
});

test('an endless answer is given up', async () => {
  const page = await pageOf((_request, response) => {
    const more = (error?: Error | null): void => {
      if (!error) response.write('x'.repeat(1024 * 1024), more);
    };
    more();
  }, 20_000);
  expect(page.metrics).toEqual({
    kind: 'unread',
    why: 'the answer is too long for etcd metrics',
  });
});

test('nobody there', async () => {
  expect(await readMetricsPage({ url: 'http://127.0.0.1:1', tls: {}, timeout: 2_000 })).toEqual({
    metrics: { kind: 'unread', why: 'connect ECONNREFUSED 127.0.0.1:1' },
  });
});
