/**
 * The abridged form of `npm run faults`: every fault once, etcd-lb only, and what must show then on
 * whatever machine. Bounds that depend on its speed are printed where they are missed, and asserted
 * by `npm run faults`; here they only have to be measured, so that what is waited for does happen.
 *
 * Each fault has one setting here, and all of them together have both releases of etcd, plain and with
 * mutual TLS passed through. One at a time, since a neighbour would be a fault of its own; faults of one
 * setting follow each other, on one cluster. To be run as root: faults of the network fail with one
 * sentence otherwise.
 */
import { afterAll, describe, expect, test } from 'vitest';
import { etcdLb } from '../contestants/etcd-lb.ts';
import type { FaultCluster } from './cluster/member.ts';
import { type Fault, inWords, isMet, abridgedPace as pace } from './fault.ts';
import { faults } from './faults.ts';
import { leastDirectFailures, runOnce, startCluster } from './run.ts';
import { type Setting, usualSetting } from './setting.ts';
import { boundsOf } from './table.ts';

/** Those that are not run on the usual setting. */
const settings: Readonly<Record<string, Pick<Setting, 'etcd' | 'tls'>>> = {
  ...each(['kill-leader', 'starved-stopped'], '3.4', 'plain'),
  ...each(
    ['term-leader', 'quorum-lost-30s', 'rolling-graceful', 'rolling-upgrade'],
    '3.4',
    'passthrough',
  ),
  ...each(
    ['black-hole-follower', 'black-hole-leader', 'minority-partition', 'lost-quorum'],
    '3.4',
    'passthrough',
  ),
  ...each(['stop-leader', 'move-leader', 'rolling-kill', 'steady'], '3.5', 'passthrough'),
};

function each(
  names: readonly string[],
  etcd: Setting['etcd'],
  tls: Setting['tls'],
): typeof settings {
  return Object.fromEntries(names.map((name) => [name, { etcd, tls }]));
}

const all = faults.map((fault) => {
  const setting = { members: fault.members, ...usualSetting, ...settings[fault.name] };
  const kind = [fault.network, ...Object.values(setting)].join(' ');
  return { fault, setting, kind };
});

describe('clients of etcd-lb hardly notice', () => {
  let current: { readonly kind: string; readonly cluster: FaultCluster } | undefined;
  afterAll(() => current?.cluster[Symbol.asyncDispose]());

  for (const { fault, setting, kind } of [...Map.groupBy(all, (one) => one.kind).values()].flat()) {
    const on = `etcd ${setting.etcd}, ${setting.tls}, ${setting.members} members`;
    test(`${fault.what} (${on})`, { timeout: 90_000 }, async () => {
      const cluster = await clusterFor(fault, setting, kind);
      const outcome = await runOnce(fault, etcdLb, setting, {
        pace,
        onProgress: console.log,
        cluster,
      }).catch(async (error: unknown) => {
        // It may have left its members hung.
        await cluster[Symbol.asyncDispose]();
        throw error;
      });
      if (fault.changesCluster) await cluster[Symbol.asyncDispose]();
      else current = { kind, cluster };
      const bounds = boundsOf(fault, { ...outcome, directFailures: leastDirectFailures(setting) });
      const missed = bounds.filter((bound) => !isMet(bound));
      for (const bound of missed) console.log(`${fault.name}: ${inWords(bound)}`);
      const broken = missed.filter(({ timed, measured }) => !(timed && Number.isFinite(measured)));
      // Why, since it may not be seen again soon.
      if (broken.length > 0) {
        console.log(outcome.load, outcome.did.join('\n'), outcome.said.join('\n'));
      }
      expect(broken.map(inWords)).toEqual([]);
    });
  }

  async function clusterFor(fault: Fault, setting: Setting, kind: string): Promise<FaultCluster> {
    const used = current;
    current = undefined;
    if (used?.kind === kind && (await isReady(used.cluster))) return used.cluster;
    await used?.cluster[Symbol.asyncDispose]();
    return await startCluster(fault, setting, console.log);
  }
});

/** One that a fault has left otherwise is not used again. */
async function isReady(cluster: FaultCluster): Promise<boolean> {
  return await cluster.ready().then(
    () => true,
    () => false,
  );
}
