/**
 * The leader's loss with real clusters: what begins a hold and what ends it, what an operator may order, and
 * where there is nothing to hold for. What clients lose is counted in test/faults.
 */
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { AdminError } from '../../src/admin/client.ts';
import { type EtcdBinary, findEtcd } from '../../src/demo/etcd-binary.ts';
import { type LocalCluster, startLocalCluster } from '../../src/demo/local-cluster.ts';
import type { LocalMember } from '../../src/demo/local-member.ts';
import { SlowRelay } from '../faults/cluster/slow-relay.ts';
import { Balancer, etcdLb, type LogLine } from '../support/balancer.ts';
import { type Certificates, createCertificates } from '../support/certificates.ts';
import { etcd3, etcdctl } from '../support/clients.ts';
import { Load } from '../support/load.ts';
import { Operator } from '../support/operator.ts';

let parts: AsyncDisposableStack;
let folder: string;
let socket: string;

beforeEach(async () => {
  parts = new AsyncDisposableStack();
  folder = await mkdtemp(join(tmpdir(), 'etcd-lb-leader-'));
  parts.defer(() => rm(folder, { recursive: true }));
  socket = join(folder, 'admin.sock');
});
afterEach(() => parts.disposeAsync());

interface Scene {
  readonly etcd: EtcdBinary;
  readonly cluster: LocalCluster;
  readonly balancer: Balancer;
  readonly certificates: Certificates | undefined;
}

interface SceneOptions {
  readonly release?: 'stable' | 'next';
  readonly size?: 1 | 3;
  readonly tls?: boolean;
  readonly flags?: readonly string[];
  /** What the balancer is given in place of the members themselves. */
  readonly endpoints?: (cluster: LocalCluster) => Promise<string>;
  /** What is done with the cluster before the balancer starts. */
  readonly prepare?: (etcd: EtcdBinary, cluster: LocalCluster) => Promise<void>;
}

/** A cluster and a balancer in front of it that knows who leads. */
async function scene({
  release = 'stable',
  size = 3,
  tls = false,
  flags = [],
  prepare,
  endpoints,
}: SceneOptions = {}): Promise<Scene> {
  const etcd = await findEtcd({ release });
  const certificates = tls ? parts.use(await createCertificates()) : undefined;
  const files = certificates && {
    ca: certificates.ca,
    serverCert: certificates.server.cert,
    serverKey: certificates.server.key,
  };
  const cluster = parts.use(await startLocalCluster({ etcd, size, ...(files && { tls: files }) }));
  await prepare?.(etcd, cluster);
  const { ca = '', client } = certificates ?? {};
  const urls = cluster.members.map((each) => `${each.name}=${each.clientUrl}`).join();
  const balancer = parts.use(
    await Balancer.start([
      ...['--endpoints', (await endpoints?.(cluster)) ?? urls],
      ...(client ? ['--cacert', ca, '--cert', client.cert, '--key', client.key] : []),
      ...['--admin-socket', socket, ...flags],
    ]),
  );
  await balancer.healthy(cluster.members.map(({ name }) => name));
  if (size > 1 && !flags.includes('--inspect-interval')) {
    await knownLeader({ cluster, balancer });
  }
  return { etcd, cluster, balancer, certificates };
}

/** Also by the guard, which asks for itself, four times a second until somebody leads. */
async function knownLeader({
  cluster,
  balancer,
}: Pick<Scene, 'cluster' | 'balancer'>): Promise<void> {
  const { name } = await cluster.leader();
  await vi.waitUntil(async () => (await balancer.status()).cluster.leader === name, {
    timeout: 20_000,
    interval: 50,
  });
  await delay(600);
}

const holdBegan = (line: LogLine): boolean => line.event === 'hold-began';
const holdEnded = (line: LogLine): boolean => line.event === 'hold-ended';
const holds = ({ log }: Balancer): LogLine[] => log.filter(holdBegan);

/** A client that writes through the balancer, over TLS where the members speak it. */
function clientOf({ balancer, certificates }: Scene) {
  const scheme = certificates ? 'https' : 'http';
  return parts.use(closing(etcd3(`${scheme}://${balancer.address}`, certificates)));
}

function closing(client: ReturnType<typeof etcd3>) {
  return Object.assign(client, { [Symbol.dispose]: () => client.close() });
}

describe.each([
  ['etcd 3.4, plain', { release: 'stable', tls: false }],
  ['etcd 3.5, mutual TLS passed through', { release: 'next', tls: true }],
] as const)('%s', (_, options) => {
  test('a leader that dies is known at once, and the hold ends when another leads', async () => {
    const all = await scene(options);
    const { cluster, balancer } = all;
    const client = clientOf(all);
    await client.put('before').value('x');
    const leader = await cluster.leader();
    const killedAt = Date.now();
    await leader.kill();
    const began = await balancer.logged(holdBegan);
    expect(began).toMatchObject({ cause: 'gone', leader: leader.name });
    expect(Date.parse(String(began['time'])) - killedAt).toBeLessThan(1_000);
    await client.put('after').value('y'); // it waits, and is not lost
    const ended = await balancer.logged(holdEnded);
    expect(['confirmed', 'elected']).toContain(ended['end']);
    expect(ended['durationMs']).toBeGreaterThan(200); // an election
    const { hold } = await balancer.status();
    expect(hold).toMatchObject({ limitMs: 4_000, last: { cause: 'gone', leader: leader.name } });
    expect(hold.current).toBeUndefined();
    const series = `etcd_lb_holds_total{cause="gone",end="${ended['end']}"}`;
    expect(await balancer.metric(series)).toBe(1);
    expect(await balancer.metric('etcd_lb_holding')).toBe(0);
  });

  test('a leader that hangs is known soon, its clients leave, and what they ask next is answered', async () => {
    const all = await scene(options);
    const { cluster, balancer } = all;
    const clients = Array.from({ length: 6 }, () => clientOf(all));
    await Promise.all(clients.map((client, index) => client.put(`c/${index}`).value('x')));
    const leader = await cluster.leader();
    leader.pause();
    const from = balancer.log.length;
    expect(await balancer.logged(holdBegan)).toMatchObject({
      cause: 'unresponsive',
      leader: leader.name,
    });
    await balancer.logged((line) => line.event === 'sessions-evicted', from);
    const { members } = await balancer.status();
    expect(members.find(({ name }) => name === leader.name)?.acceptsNew).toBe(false);
    await Promise.all(clients.map((client, index) => client.put(`c/${index}`).value('y')));
    const ended = await balancer.logged(holdEnded);
    expect(['confirmed', 'elected']).toContain(ended['end']);
    leader.resume();
    await balancer.reached(leader.name, 'healthy', from);
  });

  test('a leader that stops in order holds nobody for longer than a read takes', async () => {
    const all = await scene(options);
    const { cluster, balancer } = all;
    const client = clientOf(all);
    await client.put('before').value('x');
    const leader = await cluster.leader();
    await leader.kill('SIGTERM');
    await client.put('after').value('y');
    await balancer.logged(
      (line) => line.event === 'leader-changed' && line['leader'] !== leader.name,
      0,
    );
    for (const line of balancer.log.filter(holdEnded)) {
      expect(['confirmed', 'elected']).toContain(line['end']);
    }
  });
});

test('the leader is moved on order, and before it is drained, and no call fails', async () => {
  const { cluster, balancer } = await scene({ release: 'next' });
  const operator = new Operator(socket);
  const load = parts.use(new Load(`http://${balancer.address}`, 12, 20));
  await load.everyoneServed();
  const first = await cluster.leader();
  for (let round = 0; round < 5; round += 1) {
    const moved = await operator.client.post<{ from: string; to: string }>('/v1/leader/move');
    expect((await cluster.leader()).name).toBe(moved.to);
    await load.everyoneServed();
  }
  const second = await cluster.leader();
  const target = cluster.members.find((member) => member !== second) as LocalMember;
  await operator.client.post('/v1/leader/move', { to: target.name });
  expect(await cluster.leader()).toBe(target);
  const drained = await operator.drain(target.name, { timeout: 5_000 });
  expect(drained.warnings.join()).not.toMatch(/leads the cluster/);
  expect(await cluster.leader()).not.toBe(target);
  await operator.undrain(target.name);
  const kept = await cluster.leader();
  const { warnings } = await operator.drain(kept.name, { timeout: 5_000, keepLeader: true });
  expect(warnings.join()).toMatch(/leads the cluster/);
  expect(await cluster.leader()).toBe(kept);
  await operator.undrain(kept.name);
  await load.everyoneServed();
  expect(load.errors, balancer.history).toEqual([]);
  expect(balancer.log.filter(({ event }) => event === 'leader-moved')).toHaveLength(7);
  expect(first.name).toMatch(/^m/);
}, 60_000);

test('a move that cannot be is one sentence, and nothing is held', async () => {
  const { cluster, balancer } = await scene();
  const operator = new Operator(socket);
  const leader = await cluster.leader();
  const move = (to: string) => operator.client.post('/v1/leader/move', { to });
  await expect(move(leader.name)).rejects.toThrow(new AdminError(`${leader.name} already leads.`));
  await expect(move('m9')).rejects.toThrow(/m9 is not a member/);
  const other = cluster.members.find((member) => member !== leader) as LocalMember;
  const from = balancer.log.length;
  await other.kill();
  await balancer.reached(other.name, 'failed', from);
  await expect(move(other.name)).rejects.toThrow(/cannot lead: it is not healthy/);
  expect(holds(balancer)).toEqual([]);
  const { code, stderr } = await etcdLb(['move-leader', 'm9', '--admin-socket', socket]);
  expect(code).toBe(1);
  expect(stderr).toMatch(/m9 is not a member; did you mean m\d\?\n$/);
});

test('without a quorum it is held once, until the clock ends it; then not before a leader was seen', async () => {
  const { cluster, balancer } = await scene({ flags: ['--hold', '1s'] });
  const leader = await cluster.leader();
  const others = cluster.members.filter((member) => member !== leader);
  await Promise.all([leader.kill(), others[0]?.kill()]);
  expect(await balancer.logged(holdEnded)).toMatchObject({ end: 'expired', leader: leader.name });
  expect(await balancer.metric('etcd_lb_holds_total{cause="gone",end="expired"}')).toBe(1);
  await delay(1_500);
  expect(holds(balancer)).toHaveLength(1);
  const from = balancer.log.length;
  await Promise.all([leader.start(), others[0]?.start()]);
  await cluster.ready();
  await knownLeader({ cluster, balancer });
  await (await cluster.leader()).kill();
  await balancer.logged(holdBegan, from);
  expect(holds(balancer)).toHaveLength(2);
});

test.each<[string, SceneOptions]>([
  ['where it is off', { flags: ['--hold', '0'] }],
  ['where nobody can say who leads', { flags: ['--inspect-interval', '0'] }],
])('nothing is held %s', async (_, options) => {
  const { cluster, balancer } = await scene(options);
  const leader = await cluster.leader();
  await leader.kill();
  await balancer.reached(leader.name, 'failed');
  await cluster.leader();
  expect(holds(balancer)).toEqual([]);
});

test('nothing is held for a single member', async () => {
  const { cluster, balancer } = await scene({ size: 1 });
  const [only] = cluster.members;
  await only?.kill();
  await balancer.reached('m0', 'failed');
  expect(holds(balancer)).toEqual([]);
});

test('a follower that dies or hangs holds nobody', async () => {
  const { cluster, balancer } = await scene({ release: 'next' });
  const leader = await cluster.leader();
  const [dies, hangs] = cluster.members.filter((member) => member !== leader);
  const from = balancer.log.length;
  await dies?.kill();
  await balancer.reached(dies?.name ?? '', 'failed', from);
  await dies?.start();
  await balancer.reached(dies?.name ?? '', 'healthy', from);
  hangs?.pause();
  await balancer.reached(hangs?.name ?? '', 'failed', from);
  hangs?.resume();
  expect(holds(balancer)).toEqual([]);
});

test('a leader that only this host cannot reach holds nobody, and its hang later does', async () => {
  const relays: SlowRelay[] = [];
  const endpoints = async (cluster: LocalCluster): Promise<string> => {
    for (const { clientPort } of cluster.members) {
      relays.push(parts.use(await SlowRelay.start('127.0.0.1', clientPort)));
    }
    return relays.map(({ port }, index) => `m${index}=http://127.0.0.1:${port}`).join();
  };
  const { cluster, balancer } = await scene({ release: 'next', endpoints });
  const leader = await cluster.leader();
  const relay = relays[cluster.members.indexOf(leader)] as SlowRelay;
  const from = balancer.log.length;
  relay.delay = 3_600_000;
  await balancer.reached(leader.name, 'failed', from);
  await delay(2_500); // by now it is watched by reads through the others
  for (const line of balancer.log.filter(holdEnded)) {
    expect(line['durationMs']).toBeLessThan(1_000); // where the machine is slow; as a rule there is none
  }
  expect(await cluster.leader()).toBe(leader);
  const before = balancer.log.length;
  leader.pause(); // nothing of it is seen but that reads stop
  expect(await balancer.logged(holdBegan, before)).toMatchObject({
    cause: 'unresponsive',
    leader: leader.name,
  });
  const ended = await balancer.logged(holdEnded, before);
  expect(['confirmed', 'elected']).toContain(ended['end']);
});

test('with users of etcd, whom nobody asks for their password here, the hold ends as well', async () => {
  const password = join(folder, 'password');
  await writeFile(password, 'secret\n', { mode: 0o600 });
  const { cluster, balancer } = await scene({
    flags: ['--user', 'root', '--password-file', password],
    prepare: async (etcd, { members }) => {
      const ctl = etcdctl(etcd, members[0]?.clientUrl ?? '');
      await ctl('user', 'add', 'root:secret');
      await ctl('user', 'grant-role', 'root', 'root');
      await ctl('auth', 'enable');
    },
  });
  await (await cluster.leader()).kill();
  const ended = await balancer.logged(holdEnded);
  expect(['confirmed', 'elected']).toContain(ended['end']);
});
