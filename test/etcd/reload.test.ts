/** A reload puts in force what has changed and leaves alone what has not; what is wrong changes nothing. */
import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { connect, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, expect, test, vi } from 'vitest';
import { findEtcd } from '../../src/demo/etcd-binary.ts';
import { freePorts } from '../../src/demo/free-ports.ts';
import { type LocalCluster, startLocalCluster } from '../../src/demo/local-cluster.ts';
import { Balancer, type LogLine } from '../support/balancer.ts';
import { createCertificates } from '../support/certificates.ts';
import { Load } from '../support/load.ts';
import { Operator } from '../support/operator.ts';

const patience = { timeout: 20_000, interval: 50 };
let cluster: LocalCluster;
beforeAll(async () => {
  cluster = await startLocalCluster({ etcd: await findEtcd(), size: 3 });
});
afterAll(() => cluster.stop());

let parts: AsyncDisposableStack;
let folder: string;
let file: string;
let operator: Operator;
beforeEach(async () => {
  parts = new AsyncDisposableStack();
  folder = await mkdtemp(join(tmpdir(), 'etcd-lb-reload-'));
  parts.defer(() => rm(folder, { recursive: true }));
  file = join(folder, 'etcd-lb.yaml');
  operator = new Operator(join(folder, 'admin.sock'));
});
afterEach(() => parts.disposeAsync());

type Lines = Readonly<Record<string, string>>;

/** Writes the file anew: the first `size` members, and these lines. */
async function write(size: number, lines: Lines = {}): Promise<void> {
  const endpoints = cluster.members
    .slice(0, size)
    .map(({ name, clientUrl }) => `${name}=${clientUrl}`)
    .join();
  const all = {
    ...{ endpoints, listen: '127.0.0.1:0', rebalance: '0', 'slow-start': '0' },
    'admin-socket': join(folder, 'admin.sock'),
    ...lines,
  };
  const text = Object.entries(all).map(([name, value]) => `${name}: ${JSON.stringify(value)}\n`);
  await writeFile(file, text.join(''));
}

async function start(size: number, lines: Lines = {}, flags: string[] = []): Promise<Balancer> {
  await write(size, lines);
  const socket = ['--admin-socket', join(folder, 'admin.sock')];
  const balancer = parts.use(await Balancer.start(['--config', file, ...socket, ...flags]));
  await balancer.healthy(['m0', 'm1', 'm2'].slice(0, size));
  return balancer;
}

const reload = (order: object = {}): Promise<object> => operator.client.post('/v1/reload', order);

/** SIGHUP, and what the log says of it. */
async function hangUp(balancer: Balancer): Promise<LogLine> {
  const from = balancer.log.length;
  balancer.signal('SIGHUP');
  return balancer.logged(({ event }) => event === 'reloaded' || event === 'reload-refused', from);
}

test('members come and go by SIGHUP; who stays keeps its sessions and its verdict', async () => {
  const balancer = await start(3, {}, ['--drain-timeout', '10s']); // who leaves has the usual time
  const load = parts.use(new Load(`http://${balancer.address}`, 12, 5));
  await load.everyoneServed();
  const idsOf = async (): Promise<number[]> =>
    (await operator.sessions()).filter(({ member }) => member !== 'm2').map(({ id }) => id);
  const before = await idsOf();
  const { since } = await operator.member('m0');
  await write(2);
  expect((await hangUp(balancer)).msg).toBe('reloaded: changed: endpoints');
  await vi.waitUntil(async () => (await operator.client.status()).leaving.length === 0, patience);
  await load.everyoneServed();
  expect((await operator.client.status()).members.map(({ name }) => name)).toEqual(['m0', 'm1']);
  expect(await idsOf()).toEqual(expect.arrayContaining(before));
  expect((await operator.member('m0')).since).toBe(since);
  const from = balancer.log.length;
  await write(3);
  await hangUp(balancer);
  await balancer.reached('m2', 'healthy', from);
  await load.everyoneServed();
  expect(await idsOf()).toEqual(expect.arrayContaining(before));
  expect(load.errors, balancer.history).toEqual([]);
}, 60_000);

test('policy, weights, classes, limits and checks change', async () => {
  const balancer = await start(3);
  await write(3, {
    ...{ balance: 'round-robin', weight: 'm0=3', priority: 'm1=1', 'max-connections': '1' },
    'check-interval': '400ms',
  });
  expect(await reload()).toEqual({
    kind: 'applied',
    changed: ['check-interval', 'balance', 'weight', 'priority', 'max-connections'],
    waiting: [],
  });
  expect((await operator.client.status()).policy).toBe('round-robin');
  expect(await balancer.metric('etcd_lb_member_weight{member="m0"}')).toBe(3);
  const first = await hold(balancer);
  await vi.waitUntil(async () => (await operator.sessions()).length === 1, patience);
  const second = connect(Number(balancer.address.split(':')[1]), '127.0.0.1');
  second.on('error', () => {});
  await new Promise((resolve) => second.once('close', resolve)); // by a reset
  expect((await operator.sessions()).map(({ member }) => member)).not.toContain('m1');
  first.destroy();
  const checks = async () =>
    balancer.metric('etcd_lb_checks_total{member="m0",result="passed",reason=""}');
  const before = (await checks()) ?? 0;
  await vi.waitUntil(async () => ((await checks()) ?? 0) >= before + 5, patience);
});

test('what is wrong changes nothing, is told everywhere, and is over with the next good one', async () => {
  const balancer = await start(3);
  await write(3, { 'max-connections': '5', balance: 'fastest' });
  await expect(reload()).rejects.toThrow(/etcd-lb\.yaml:\d+:\d+: balance: "fastest" is not one of/);
  const line = await hangUp(balancer);
  expect(line).toMatchObject({ event: 'reload-refused', level: 'error' });
  expect(line.msg).toMatch(/^reload refused, nothing has changed: .*"fastest"/);
  expect(await balancer.metric('etcd_lb_reloads_total{result="refused"}')).toBe(2);
  expect(await balancer.metric('etcd_lb_last_reload_successful')).toBe(0);
  await write(3);
  expect(await reload()).toEqual({ kind: 'applied', changed: [], waiting: [] });
  expect(await balancer.metric('etcd_lb_last_reload_successful')).toBe(1);
});

test('a member that is only renamed keeps its sessions, its verdict and its drain', async () => {
  const balancer = await start(2);
  await operator.drain('m1');
  const session = await hold(balancer);
  parts.defer(() => void session.destroy());
  await vi.waitUntil(async () => (await operator.client.status()).sessions === 1, patience);
  const before = await operator.client.status();
  const [first, second] = cluster.members;
  const endpoints = `m1=${first?.clientUrl},other=${second?.clientUrl}`;
  await write(2, { endpoints });
  expect(await reload()).toMatchObject({ changed: ['endpoints'] });
  await balancer.logged(({ event }) => event === 'reloaded');
  const renamed = balancer.log.filter(({ event }) => event === 'member-renamed');
  expect(renamed.map(({ msg }) => msg)).toEqual([
    `m0 is now called m1: ${first?.clientUrl}`,
    `m1 is now called other: ${second?.clientUrl}`,
  ]);
  const after = await operator.client.status();
  const known = ({
    endpoint,
    state,
    since,
    sessions,
    acceptsNew,
  }: (typeof after.members)[number]) => ({
    ...{ endpoint, state, since, sessions, acceptsNew },
  });
  expect(after.members.map(({ name }) => name)).toEqual(['m1', 'other']);
  expect(after.members.map(known)).toEqual(before.members.map(known));
  expect(after.members.map(({ acceptsNew }) => acceptsNew)).toEqual([true, false]);
  expect(session.destroyed).toBe(false);
  expect(after.absentDrains).toEqual([]);
  await vi.waitUntil(
    async () =>
      (await balancer.metric('etcd_lb_member_state_changes_total{member="m0",state="failed"}')) ===
      undefined,
    patience,
  );
  expect(await balancer.metric('etcd_lb_sessions{member="m0"}')).toBeUndefined();
});

test('what needs a restart is said, and the rest is applied', async () => {
  await start(3);
  await write(3, { listen: '127.0.0.1:1', keepalive: '20s', 'max-connections': '7' });
  expect(await reload()).toEqual({
    kind: 'applied',
    changed: ['max-connections'],
    waiting: ['listen', 'keepalive'],
  });
});

test('a reload that would empty the pool is refused, unless it is meant', async () => {
  const balancer = await start(2);
  const [nobody = 0] = await freePorts(1);
  await write(2, { endpoints: `a=http://127.0.0.1:${nobody}` });
  await expect(reload()).rejects.toThrow(
    /^No member could be used: a \(http:.*\) .*ECONNREFUSED.*; correct the settings, or give --force\.$/,
  );
  expect((await operator.client.status()).members.map(({ name }) => name)).toEqual(['m0', 'm1']);
  await write(2, { 'check-url': `http://{host}:${nobody}` });
  await expect(reload()).rejects.toThrow(/No member could be used/);
  expect(await operator.member('m0')).toMatchObject({ state: 'healthy' });
  await write(2, { endpoints: `a=http://127.0.0.1:${nobody}` });
  expect(await reload({ force: true })).toMatchObject({ kind: 'applied' });
  await balancer.reached('a', 'failed');
});

test('checks go on with other certificates, and not with those that no member accepts', async () => {
  const certificates = parts.use(await createCertificates());
  const strangers = parts.use(await createCertificates());
  const { ca, server, client } = certificates;
  const tls = { ca, serverCert: server.cert, serverKey: server.key };
  const etcd = await findEtcd();
  const plain = cluster;
  cluster = parts.use(await startLocalCluster({ etcd, size: 1, tls }));
  parts.defer(() => {
    cluster = plain;
  });
  const files = { cacert: ca, cert: client.cert, key: client.key };
  await start(1, files);
  await write(1, { ...files, cacert: strangers.ca });
  await expect(reload()).rejects.toThrow(/No member could be used/);
  await write(1, { ...files, cert: server.cert, key: server.key });
  expect(await reload()).toMatchObject({ changed: ['cert', 'key', 'certificates'] });
  const { lastCheck } = await operator.member('m0');
  await vi.waitUntil(
    async () => (await operator.member('m0')).lastCheck?.at !== lastCheck?.at,
    patience,
  );
  expect(await operator.member('m0')).toMatchObject({ state: 'healthy', lastCheck: { ok: true } });
});

test('a drain holds over a reload', async () => {
  await start(3);
  await operator.drain('m1');
  await write(3, { 'max-connections': '9' });
  await reload();
  await write(2);
  await reload();
  await write(3);
  await reload();
  expect((await operator.member('m1')).acceptsNew).toBe(false);
});

test('a drain that waits for a member holds for who gets its name', async () => {
  await start(3);
  await operator.drain('m2');
  await write(2);
  await reload();
  expect((await operator.client.status()).absentDrains).toEqual(['m2']);
  const [first, second] = cluster.members.map(({ clientUrl }) => clientUrl);
  await write(2, { endpoints: `m0=${first},m2=${second}` });
  await reload();
  const { members, absentDrains } = await operator.client.status();
  expect(members.map(({ name, acceptsNew }) => [name, acceptsNew])).toEqual([
    ['m0', true],
    ['m2', false],
  ]);
  expect(absentDrains).toEqual([]);
});

test('with --watch-config the file is enough', async () => {
  const balancer = await start(2, {}, ['--watch-config', 'on']);
  await write(3);
  await balancer.reached('m2', 'healthy');
  expect(balancer.log.filter(({ event }) => event === 'reloaded')).toHaveLength(1);
}, 40_000);

/** A session that says nothing. */
async function hold(balancer: Balancer): Promise<Socket> {
  const socket = connect(Number(balancer.address.split(':')[1]), '127.0.0.1');
  await once(socket, 'connect');
  return socket;
}
