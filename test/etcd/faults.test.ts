/**
 * What clients see when members fail: the real program in front of a real cluster of three, clients
 * that write and read without pause and never repeat a failed request by themselves.
 *
 * Figures that depend on the machine's speed are for the benchmarks; what is asserted here is who
 * failed and how often, and bounds far from both.
 */
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { findEtcd } from '../../src/demo/etcd-binary.ts';
import { type LocalCluster, startLocalCluster } from '../../src/demo/local-cluster.ts';
import type { LocalMember } from '../../src/demo/local-member.ts';
import { Balancer } from '../support/balancer.ts';
import { etcdctl } from '../support/clients.ts';
import { Load } from '../support/load.ts';

const clients = 12;
/** Between two requests of a client, ms: long enough for a session to be quiet now and then. */
const pace = 150;

describe('three members', () => {
  let parts: AsyncDisposableStack;
  let cluster: LocalCluster;
  let balancer: Balancer;
  let load: Load;

  beforeEach(async () => {
    parts = new AsyncDisposableStack();
    cluster = parts.use(await startLocalCluster({ etcd: await findEtcd(), size: 3 }));
    const endpoints = cluster.members.map(({ name, clientUrl }) => `${name}=${clientUrl}`).join();
    balancer = parts.use(await Balancer.start(['--endpoints', endpoints]));
    await balancer.healthy(['m0', 'm1', 'm2']);
    load = parts.use(new Load(balancer.address, clients, pace));
    await load.everyoneServed();
  });
  afterEach(() => parts.disposeAsync());

  test('a follower is killed: only what was in flight there fails, and it is used again', async () => {
    const member = await follower(cluster);
    const { name } = member;
    const there = await sessionsOf(balancer, name);
    expect(there).toBe(clients / 3);
    await member.kill();
    await balancer.reached(name, 'failed');
    await load.everyoneServed();
    // Each client that was there may have had one request in flight; none after that may fail.
    expect(load.failures).toBeLessThanOrEqual(there);
    expect(await sessionsOf(balancer, name)).toBe(0);
    const failed = load.failures;
    const mark = balancer.log.length;
    await member.start();
    await balancer.reached(name, 'healthy', mark);
    // It gets its share back, and nothing fails by it.
    const moved = await balancer.logged((line) => line.event === 'sessions-moved', mark);
    expect(moved['sessions']).toBeGreaterThan(0);
    await load.everyoneServed();
    // More may follow: it starts slowly, and a session that has only just come stays for a while.
    await expect.poll(() => spread(balancer), { timeout: 15_000 }).toBeLessThanOrEqual(2);
    expect(load.failures).toBe(failed);
  });

  test('a follower hangs: its clients are moved as soon as a check has confirmed its silence', async () => {
    const member = await follower(cluster);
    const { name } = member;
    const moved = await sessionsOf(balancer, name);
    expect(moved).toBe(clients / 3);
    member.pause();
    const evicted = await balancer.logged((line) => line.event === 'sessions-evicted');
    expect(evicted.msg).toMatch(
      new RegExp(
        `^evicted ${moved} sessions from ${name}: \\d checks? failed since [0-9:.]+ \\(timed out after 250ms, and clients wait for it in vain\\); m\\d, m\\d healthy$`,
      ),
    );
    await load.everyoneServed();
    expect(load.failures).toBeLessThanOrEqual(moved);
    expect(await balancer.metric(`etcd_lb_evictions_total{member="${name}"}`)).toBe(1);
    expect(await balancer.metric('etcd_lb_panic')).toBe(0);
    const mark = balancer.log.length;
    member.resume();
    await balancer.reached(name, 'healthy', mark);
    await load.everyoneServed();
  });

  test('the leader is killed: an election later everybody is served', async () => {
    const leader = await cluster.leader();
    await leader.kill();
    await balancer.reached(leader.name, 'failed');
    const next = await cluster.leader();
    expect(next.name).not.toBe(leader.name);
    await load.everyoneServed();
    // Every client may have had one request in flight, there or waiting for the lost leader.
    expect(load.failures).toBeLessThanOrEqual(clients);
    // Clients are served by the first proof of a leader, which may be before members have passed their checks.
    await vi.waitUntil(async () => (await balancer.metric('etcd_lb_panic')) === 0, {
      timeout: 20_000,
    });
  });

  test('the leader hangs: the members that live keep their clients', async () => {
    const leader = await cluster.leader();
    const others = cluster.members.filter(({ name }) => name !== leader.name);
    leader.pause();
    await balancer.logged(
      (line) => line.event === 'sessions-evicted' && line.member === leader.name,
    );
    await load.everyoneServed();
    for (const { name } of others) {
      expect(await balancer.metric(`etcd_lb_evictions_total{member="${name}"}`)).toBe(0);
    }
    leader.resume();
  });

  test('all members are killed and come back: clients are held or fail, and then are served', async () => {
    await Promise.all(cluster.members.map((member) => member.kill()));
    await balancer.logged((line) => line.event === 'mode-changed' && line.to === 'panic');
    expect(await balancer.metric('etcd_lb_panic')).toBe(1);
    const ready = await fetch(`${balancer.observeUrl}/readyz`);
    expect([ready.status, await ready.text()]).toEqual([503, 'no member is healthy\n']);
    const mark = balancer.log.length;
    await Promise.all(cluster.members.map((member) => member.start()));
    await balancer.logged((line) => line.event === 'mode-changed' && line.to === 'normal', mark);
    await load.everyoneServed();
    await vi.waitUntil(async () => (await balancer.metric('etcd_lb_panic')) === 0, {
      timeout: 20_000,
    });
  });

  test('the leader steps down: the balancer closes nobody for an election', async () => {
    const leader = await cluster.leader();
    await moveLeader(cluster, leader);
    expect((await cluster.leader()).name).not.toBe(leader.name);
    await load.everyoneServed();
    for (const { sessionsEnded } of (await balancer.status()).members) {
      // etcd3 itself closes a connection on which a write was lost to the election.
      expect(sessionsEnded, balancer.history).toMatchObject({ evicted: 0, rebalanced: 0 });
    }
    expect(load.failures).toBeLessThanOrEqual(clients);
  });
});

async function follower(cluster: LocalCluster): Promise<LocalMember> {
  const leader = await cluster.leader();
  const found = cluster.members.find(({ name }) => name !== leader.name);
  if (found === undefined) throw new Error('the cluster has no follower');
  return found;
}

/** Has the leader hand over to another member. */
async function moveLeader(cluster: LocalCluster, leader: LocalMember): Promise<void> {
  const etcd = await findEtcd();
  const heir = await follower(cluster);
  // Ids are 64 bit: as text, since JSON numbers would lose digits.
  const status = await etcdctl(etcd, heir.clientUrl)('endpoint', 'status', '-w', 'json');
  const id = BigInt(/"member_id":(\d+)/.exec(status)?.[1] ?? 0).toString(16);
  await etcdctl(etcd, leader.clientUrl)('move-leader', id);
}

/** Sessions on the fullest member minus those on the emptiest. */
async function spread(balancer: Balancer): Promise<number> {
  const { members } = await balancer.status();
  const loads = members.map(({ sessions }) => sessions);
  return Math.max(...loads) - Math.min(...loads);
}

async function sessionsOf(balancer: Balancer, name: string): Promise<number> {
  const { members } = await balancer.status();
  return members.find((member) => member.name === name)?.sessions ?? Number.NaN;
}
