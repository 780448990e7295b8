/** What the observe listener tells, asked of a running balancer. */
import { once } from 'node:events';
import { hostname } from 'node:os';
import { afterAll, describe, expect, test } from 'vitest';
import manifest from '../../package.json' with { type: 'json' };
import { freePorts } from '../../src/demo/free-ports.ts';
import { endReasons } from '../../src/proxy/sessions/session.ts';
import { Balancer, etcdLb, type LogLine } from '../support/balancer.ts';
import { ask, connect, dial, endOf } from './client.ts';
import { EchoMember } from './echo-member.ts';
import { type Family, parseExposition } from './exposition.ts';

const parts = new AsyncDisposableStack();
afterAll(() => parts.disposeAsync());
const member = parts.use(await EchoMember.start());
const balancer = parts.use(await Balancer.start([...member.flags, '--log-level', 'debug']));
await balancer.healthy([member.name]);
const { observeUrl } = balancer;

/** The families that dashboards and alerts rely on. */
const families = {
  etcd_lb_build_info: 'gauge',
  etcd_lb_bytes_total: 'counter',
  etcd_lb_check_duration_seconds: 'histogram',
  etcd_lb_checks_total: 'counter',
  etcd_lb_dial_duration_seconds: 'histogram',
  etcd_lb_dials_total: 'counter',
  etcd_lb_event_loop_lag_seconds: 'histogram',
  etcd_lb_evictions_total: 'counter',
  etcd_lb_failovers_total: 'counter',
  etcd_lb_member_state: 'gauge',
  etcd_lb_member_state_changes_total: 'counter',
  etcd_lb_member_up: 'gauge',
  etcd_lb_panic: 'gauge',
  etcd_lb_rejected_clients_total: 'counter',
  etcd_lb_session_duration_seconds: 'histogram',
  etcd_lb_sessions: 'gauge',
  etcd_lb_sessions_closed_total: 'counter',
  etcd_lb_sessions_opened_total: 'counter',
  etcd_lb_waiting_clients: 'gauge',
};

describe('/metrics', () => {
  test('has every family, with its type and a sentence of help', async () => {
    const scraped = await scrape();
    const ours = scraped.filter(({ name }) => name.startsWith('etcd_lb_'));
    expect(Object.fromEntries(ours.map(({ name, type }) => [name, type]))).toMatchObject(families);
    for (const { help } of ours) expect(help).toMatch(/^(?:[A-Z]|1 ).{30,}\.$/);
    const names = scraped.map(({ name }) => name);
    expect(names).toEqual(
      expect.arrayContaining(['process_cpu_seconds_total', 'process_resident_memory_bytes']),
    );
  });

  test('is in the text format, as its content type says', async () => {
    const response = await fetch(`${observeUrl}/metrics`);
    expect(response.headers.get('content-type')).toBe('text/plain; version=0.0.4; charset=utf-8');
    for (const { name, type, samples } of parseExposition(await response.text())) {
      if (name.startsWith('etcd_lb_')) {
        expect(name.endsWith('_total'), name).toBe(type === 'counter');
      }
      expect(new Set(samples.map(({ series }) => series)).size, name).toBe(samples.length);
    }
  });

  test('histograms have buckets that add up', async () => {
    const histogram = (await scrape()).find(
      ({ name }) => name === 'etcd_lb_check_duration_seconds',
    );
    const samples = histogram?.samples ?? [];
    const buckets = samples.filter(({ name }) => name.endsWith('_bucket'));
    const counts = buckets.map(({ value }) => value);
    expect(counts).toEqual(counts.toSorted((a, b) => a - b));
    expect(buckets.at(-1)?.labels).toEqual({ member: 'm0', le: '+Inf' });
    expect(counts.at(-1)).toBe(samples.find(({ name }) => name.endsWith('_count'))?.value);
    expect(samples.find(({ name }) => name.endsWith('_sum'))?.value).toBeGreaterThan(0);
  });

  test('counts a session and its bytes, and a second scrape says the same', async () => {
    const from = balancer.log.length;
    const opened = (await balancer.metric('etcd_lb_sessions_opened_total{member="m0"}')) ?? 0;
    const upstream = (await bytes('upstream')) ?? 0;
    const downstream = (await bytes('downstream')) ?? 0;
    const socket = await connect(balancer.address);
    await ask(socket, '7 bytes');
    expect(await balancer.metric('etcd_lb_sessions{member="m0"}')).toBe(1);
    socket.end();
    await endOf(socket);
    await balancer.logged(({ msg }) => msg === 'session ended', from);
    for (const _ of ['first', 'second']) {
      expect(await balancer.metric('etcd_lb_sessions{member="m0"}')).toBe(0);
      expect(await balancer.metric('etcd_lb_sessions_opened_total{member="m0"}')).toBe(opened + 1);
      expect(await bytes('upstream')).toBe(upstream + 7);
      expect(await bytes('downstream')).toBe(downstream + 7);
    }
    const closed = 'etcd_lb_sessions_closed_total{member="m0",reason="client-closed"}';
    expect(await balancer.metric(closed)).toBe(opened + 1);
    expect(
      await balancer.metric('etcd_lb_dials_total{member="m0",result="success",reason=""}'),
    ).toBe(opened + 1);
  });

  test('tells version and runtime', async () => {
    const info = `etcd_lb_build_info{name="${hostname()}",version="${manifest.version}",node="${process.version}"}`;
    expect(await balancer.metric(info)).toBe(1);
    expect(await balancer.metric('etcd_lb_member_state{member="m0",state="healthy"}')).toBe(1);
    expect(await balancer.metric('etcd_lb_member_up{member="m0"}')).toBe(1);
    expect(await balancer.metric('etcd_lb_panic')).toBe(0);
  });
});

describe('/status', () => {
  test('is everything known, as JSON', async () => {
    const response = await fetch(`${observeUrl}/status`);
    expect(response.headers.get('content-type')).toBe('application/json');
    const iso = expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/);
    const number = expect.any(Number);
    const [, endpoint, , template = ''] = member.flags;
    expect(await response.json()).toMatchObject({
      version: manifest.version,
      node: process.version,
      pid: balancer.pid,
      startedAt: iso,
      listen: [balancer.address],
      policy: 'least-connections',
      copier: 'shared-buffer',
      mode: 'normal',
      stopping: false,
      sessions: number,
      waitingClients: 0,
      hold: { limitMs: number },
      members: [
        {
          name: 'm0',
          endpoint: endpoint?.replace('m0=', ''),
          checkUrl: template.replace('{host}', '127.0.0.1'),
          state: 'healthy',
          since: iso,
          acceptsNew: true,
          lastCheck: { at: iso, ok: true, durationMs: number },
          sessions: number,
          sessionsOpened: number,
          sessionsEnded: Object.fromEntries(endReasons.map((reason) => [reason, number])),
          bytesFromClients: number,
          bytesFromMember: number,
        },
      ],
      events: expect.arrayContaining([
        {
          at: iso,
          level: 'info',
          kind: 'started',
          message: expect.stringContaining(`listens on ${balancer.address}`),
          fields: expect.objectContaining({ listen: [balancer.address] }),
        },
        expect.objectContaining({ kind: 'member-changed', message: 'm0: unknown -> healthy' }),
        expect.objectContaining({ kind: 'mode-changed' }),
      ]),
    });
  });
});

describe('the listener', () => {
  test.each([
    { path: '/livez', code: 200, type: 'text/plain; charset=utf-8', body: 'ok\n' },
    { path: '/readyz', code: 200, type: 'text/plain; charset=utf-8', body: 'ok\n' },
    {
      path: '/livez?verbose',
      code: 200,
      type: 'application/json',
      body: '{\n  "alive": true\n}\n',
    },
    {
      path: '/nothing',
      code: 404,
      type: 'text/plain; charset=utf-8',
      body: 'not found; there are / /livez /readyz /metrics /status /events\n',
    },
  ])('answers $code at $path', async ({ path, code, type, body }) => {
    const response = await fetch(observeUrl + path);
    expect(response.status).toBe(code);
    expect(response.headers.get('content-type')).toBe(type);
    expect(await response.text()).toBe(body);
  });

  test.each(['POST', 'PUT', 'DELETE'])('refuses %s: it can change nothing', async (method) => {
    const response = await fetch(`${observeUrl}/status`, { method });
    expect(response.status).toBe(405);
    expect(response.headers.get('allow')).toBe('GET, HEAD');
  });

  test.each(['/livez', '/readyz', '/metrics', '/status'])('has HEAD of %s', async (path) => {
    const response = await fetch(observeUrl + path, { method: 'HEAD' });
    expect(response.status).toBe(200);
    expect(await response.text()).toBe('');
  });

  test.each(['//', '/%', 'http://[', '*'])('survives the target %s', async (target) => {
    const { host } = new URL(observeUrl);
    const socket = dial(host);
    socket.write(`GET ${target} HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n`);
    const [answer] = (await once(socket, 'data')) as [Buffer];
    expect(answer.toString()).toMatch(/^HTTP\/1\.1 4\d\d /);
    socket.destroy();
  });

  test('is not there with --observe off, nor in the way of another', async () => {
    // Did one of them listen at the default, the other could not.
    const off = ['--observe', 'off', ...member.flags];
    await using one = await Balancer.start(off);
    await using other = await Balancer.start(off);
    for (const { log } of [one, other]) {
      const started = log.find(({ event }) => event === 'started') as LogLine;
      expect(started).not.toHaveProperty('observePort');
    }
    const socket = await connect(other.address);
    expect(await ask(socket, 'relayed')).toBe('relayed');
    socket.destroy();
  });

  test('is at the port that was asked for', async () => {
    const [port] = await freePorts(1);
    await using another = await Balancer.start([
      ...['--observe', `localhost:${port}`],
      ...member.flags,
    ]);
    expect(another.observeUrl).toBe(`http://127.0.0.1:${port}`);
    const response = await fetch(`http://localhost:${port}/livez`);
    expect(response.status).toBe(200);
  });
});

test('each of several observe addresses answers, and the status says what the balancer is called', async () => {
  const ports = await freePorts(2);
  const observe = ports.map((port) => `127.0.0.1:${port}`).join();
  await using several = await Balancer.start([
    ...['--observe', observe, '--name', 'Control plane 1', ...member.flags],
  ]);
  for (const port of ports) {
    const response = await fetch(`http://127.0.0.1:${port}/status`);
    expect(await response.json()).toMatchObject({ name: 'Control plane 1' });
  }
  const [taken = 0] = ports;
  const [free = 0] = await freePorts(1);
  const refused = await etcdLb([
    ...['run', ...member.flags, '--listen', '127.0.0.1:0', '--admin-socket', 'off'],
    ...['--observe', `127.0.0.1:${free},127.0.0.1:${taken}`],
  ]);
  expect(refused.code).toBe(2);
  expect(refused.stderr).toContain(`--observe: 127.0.0.1:${taken} is in use by another process`);
  expect(several.log.map(({ event }) => event)).toContain('started');
});

async function scrape(): Promise<Family[]> {
  return parseExposition(await (await fetch(`${observeUrl}/metrics`)).text());
}

function bytes(direction: string): Promise<number | undefined> {
  return balancer.metric(`etcd_lb_bytes_total{member="m0",direction="${direction}"}`);
}
