/**
 * A hostile neighbour: thousands of connections that never speak, slow readers, scrapers that pipeline, random
 * bytes, and frames at random, all at once. Honest clients must hardly notice, and it must leave nothing behind.
 */
import { setTimeout as delay } from 'node:timers/promises';
import type { Etcd3 } from 'etcd3';
import { usageOf } from '../../machine/usage.ts';
import { atMost, type Fault, type Scene, within } from '../fault.ts';
import { impatientClient } from '../load/client.ts';
import { Hostile } from '../load/hostile.ts';
import { now } from '../load/plan.ts';
import { quantile } from '../load/summary.ts';

/** Honest clients whose calls are timed beside the usual ones, and how often they ask, ms. */
const honest = 6;
const every = 50;
const patience = 5_000;

interface Timed {
  readonly p99: number;
  readonly failed: number;
}

/** Lets honest clients work for so many ms. */
async function work({ where }: Scene, forMs: number): Promise<Timed> {
  const clients = Array.from({ length: honest }, () => impatientClient(where, patience));
  const times: number[] = [];
  let failed = 0;
  const put = async (client: Etcd3): Promise<void> => {
    const begun = now();
    try {
      await client.put('faults/honest').value('');
      times.push(now() - begun);
    } catch {
      failed += 1;
    }
  };
  const open: Promise<void>[] = [];
  for (const deadline = now() + forMs; now() < deadline; await delay(every)) {
    for (const client of clients) open.push(put(client));
  }
  await Promise.all(open);
  for (const client of clients) client.close();
  return { p99: quantile(times, 0.99), failed };
}

const megabyte = 1e6;

export const hostileNeighbour: Fault = {
  name: 'hostile-neighbour',
  what: '5,000 connections that never speak, slow readers, pipelining scrapers, random bytes and frames',
  members: 3,
  network: 'loopback',
  needsProcess: true,
  async act(scene) {
    const { etcdLb, contestant, pace, where } = scene;
    const pid = contestant.child?.pid ?? 0;
    const quiet = await work(scene, pace.hostile / 3);
    const before = usageOf(pid).memory;
    scene.breaking('a hostile neighbour begins');
    let busy: Timed;
    {
      await using _hostile = await Hostile.start({
        address: where.addresses[0] ?? '',
        observe: etcdLb?.observeAddress,
        silent: 5_000,
      });
      busy = await work(scene, pace.hostile);
    }
    scene.note('the hostile neighbour is gone');
    await delay(pace.settle);
    return {
      quietP99: quiet.p99,
      hostileP99: busy.p99,
      failedHonest: busy.failed,
      memoryKept: (usageOf(pid).memory - before) / megabyte,
    };
  },
  bounds: ({ load, figures }) => [
    atMost(0, 'failed calls of honest clients', figures.failedHonest),
    atMost(0, 'failed requests', load?.failed),
    within(3 * (figures.quietP99 ?? 0), 'p99 of honest clients (ms)', figures.hostileP99),
    within(20, 'memory kept afterwards (MB)', figures.memoryKept),
  ],
};
