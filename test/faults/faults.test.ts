/**
 * The abridged form of `npm run faults`: every fault once, etcd-lb only, and what must show then on
 * whatever machine. Bounds that depend on its speed are printed where they are missed, and asserted
 * by `npm run faults`; here they only have to be measured, so that what is waited for does happen.
 *
 * One at a time, since a neighbour would be a fault of its own; a cluster is used again for the next
 * fault that needs such a one. To be run as root: faults of the network fail with one sentence
 * otherwise.
 */
import { afterAll, describe, expect, test } from 'vitest';
import { etcdLb } from '../contestants/etcd-lb.ts';
import type { FaultCluster } from './cluster/member.ts';
import { type Fault, inWords, isMet, abridgedPace as pace } from './fault.ts';
import { faults } from './faults.ts';
import { leastDirectFailures, runOnce, startCluster } from './run.ts';
import { boundsOf } from './table.ts';

describe('clients of etcd-lb hardly notice', () => {
  const clusters = new Map<string, FaultCluster>();
  afterAll(async () => {
    await Promise.all([...clusters.values()].map((cluster) => cluster[Symbol.asyncDispose]()));
  });

  for (const fault of faults) {
    test(fault.what, { timeout: 90_000 }, async () => {
      const cluster = await clusterFor(fault);
      const outcome = await runOnce(fault, etcdLb, {
        pace,
        onProgress: console.log,
        cluster,
      }).catch(async (error: unknown) => {
        // It may have left its members hung.
        await cluster[Symbol.asyncDispose]();
        throw error;
      });
      clusters.set(kindOf(fault), cluster);
      const bounds = boundsOf(fault, { ...outcome, directFailures: leastDirectFailures(fault) });
      const missed = bounds.filter((bound) => !isMet(bound));
      for (const bound of missed) console.log(`${fault.name}: ${inWords(bound)}`);
      const broken = missed.filter(({ timed, measured }) => !(timed && Number.isFinite(measured)));
      // Why, since it may not be seen again soon.
      if (broken.length > 0) console.log(outcome.load, outcome.said.join('\n'));
      expect(broken.map(inWords)).toEqual([]);
    });
  }

  async function clusterFor(fault: Fault): Promise<FaultCluster> {
    const kind = kindOf(fault);
    const cluster = clusters.get(kind) ?? (await startCluster(fault, console.log));
    clusters.delete(kind);
    await cluster.ready();
    return cluster;
  }
});

function kindOf({ network, members }: Fault): string {
  return `${members} ${network}`;
}
