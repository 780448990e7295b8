/** A member that comes back gets its share of clients that are never quiet, and none of them notices. */
import { setTimeout as delay } from 'node:timers/promises';
import { expect, test, vi } from 'vitest';
import { findEtcd } from '../../src/demo/etcd-binary.ts';
import { startLocalCluster } from '../../src/demo/local-cluster.ts';
import { Balancer } from '../support/balancer.ts';
import { Load } from '../support/load.ts';

test.each(['stable', 'next'] as const)(
  '%s release',
  async (release) => {
    await using cluster = await startLocalCluster({ etcd: await findEtcd({ release }), size: 3 });
    const [m0] = cluster.members;
    const endpoints = cluster.members.map(({ name, clientUrl }) => `${name}=${clientUrl}`).join();
    await using balancer = await Balancer.start(['--endpoints', endpoints, '--slow-start', '0']);
    await balancer.healthy(['m0', 'm1', 'm2']);
    await using load = new Load(`http://${balancer.address}`, 24, 2);
    await load.everyoneServed();
    await m0?.kill();
    await vi.waitUntil(async () => (await sessionsOf(balancer)).join() === '0,12,12', {
      timeout: 20_000,
    });
    const left = balancer.log.length;
    await m0?.start();
    await balancer.reached('m0', 'healthy', left);
    await load.everyoneServed();
    const failedBefore = load.failures;
    await vi.waitUntil(
      async () => {
        const shares = await sessionsOf(balancer);
        return Math.max(...shares) - Math.min(...shares) <= 2;
      },
      { timeout: 30_000, interval: 200 },
    );
    await load.everyoneServed();
    await delay(500); // for sessions that are still being left
    expect(load.errors.slice(failedBefore)).toEqual([]);
    const moved = await balancer.metric(
      'etcd_lb_sessions_closed_total{member="m1",reason="rebalanced"}',
    );
    expect(moved).toBeGreaterThan(0);
    const inFlight = await balancer.metric('etcd_lb_calls_in_flight{member="m0"}');
    expect(inFlight).toBeGreaterThanOrEqual(0);
    expect(await balancer.metric('etcd_lb_calls_total{member="m0"}')).toBeGreaterThan(100);
  },
  90_000,
);

async function sessionsOf(balancer: Balancer): Promise<number[]> {
  return (await balancer.status()).members.map(({ sessions }) => sessions);
}
