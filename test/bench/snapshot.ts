/**
 * `node test/bench/snapshot.ts [MB] [rounds] [max rate]`: what a snapshot costs, side by side with etcdctl, and what clients of the balancer
 * notice of it. Prints a table; ends with 1 when a bound of the issue is missed.
 *
 *   throughput   etcdctl and etcd-lb in turn, from the same member to the same disk, another order each round
 *   memory       the most that the process had resident (VmHWM), with 20 MB and with all of it
 *   latency      p99 of reads through the balancer while a scheduled snapshot is taken, against just before
 */
import { execFile, spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { promisify } from 'node:util';
import type { Etcd3 } from 'etcd3';
import { findEtcd } from '../../src/demo/etcd-binary.ts';
import { type LocalCluster, startLocalCluster } from '../../src/demo/local-cluster.ts';
import { Balancer } from '../support/balancer.ts';
import { etcd3 } from '../support/clients.ts';

const [megabytes = 500, rounds = 5] = process.argv.slice(2, 4).map(Number);
/** Such as 50MB. */
const [, , , , maxRate] = process.argv;
const program = join(import.meta.dirname, '../../src/cli/main.ts');
const run = promisify(execFile);
const folder = await mkdtemp(join(tmpdir(), 'etcd-lb-bench-'));
const etcd = await findEtcd({ release: 'next' });

function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.floor(sorted.length / 2)] ?? Number.NaN;
}

async function fill(cluster: LocalCluster, from: number, to: number): Promise<void> {
  const writer = etcd3(cluster.endpoints[0] ?? '');
  for (let index = from; index < to; index += 1) {
    await writer.put(`bulk/${index}`).value(randomBytes(1_000_000));
  }
  writer.close();
}

/** Seconds that a command takes. */
async function timed(command: string, args: readonly string[]): Promise<number> {
  await rm(join(folder, 'x.db'), { force: true });
  const startedAt = performance.now();
  await run(command, args, { env: { ...process.env, ETCDCTL_API: '3' } });
  return (performance.now() - startedAt) / 1_000;
}

/** The most that `etcd-lb snapshot save` has had resident, MB. */
async function mostMemory(endpoint: string): Promise<number> {
  await rm(join(folder, 'x.db'), { force: true });
  const child = spawn(process.execPath, [program, ...saving(endpoint)], { stdio: 'ignore' });
  const ended = once(child, 'exit');
  let most = 0;
  while (child.exitCode === null) {
    const status = await readFile(`/proc/${child.pid}/status`, 'utf8').catch(() => '');
    most = Math.max(most, Number(/VmHWM:\s+(\d+)/.exec(status)?.[1] ?? 0) / 1_000);
    await delay(20);
  }
  await ended;
  return most;
}

function saving(endpoint: string): string[] {
  const file = join(folder, 'x.db');
  return ['snapshot', 'save', file, '--endpoints', `m0=${endpoint}`, '--admin-socket', 'off'];
}

/** p99 of reads, ms, until `over` resolves. 200 a second. */
async function p99(client: Etcd3, over: Promise<unknown>): Promise<number> {
  const times: number[] = [];
  let isOver = false;
  void over.then(() => {
    isOver = true;
  });
  const asked: Promise<void>[] = [];
  while (!isOver) {
    const startedAt = performance.now();
    asked.push(client.get('small').then(() => void times.push(performance.now() - startedAt)));
    await delay(5);
  }
  await Promise.all(asked);
  return times.toSorted((a, b) => a - b)[Math.floor(times.length * 0.99)] ?? Number.NaN;
}

const quota = ['--quota-backend-bytes', '8000000000', '--snapshot-count', '1000'];
const cluster = await startLocalCluster({ etcd, size: 3, extraArgs: quota });
try {
  const endpoint = cluster.endpoints[0] ?? '';
  await fill(cluster, 0, 20);
  const small = await mostMemory(endpoint);
  await fill(cluster, 20, megabytes);
  const ratios: number[] = [];
  for (let round = 0; round < rounds; round += 1) {
    const theirs = () =>
      timed(etcd.etcdctl ?? '', [
        '--endpoints',
        endpoint,
        'snapshot',
        'save',
        join(folder, 'x.db'),
      ]);
    const ours = () => timed(process.execPath, [program, ...saving(endpoint)]);
    const [first, second] = round % 2 === 0 ? [theirs, ours] : [ours, theirs];
    const [a, b] = [await first(), await second()];
    const [etcdctl, own] = round % 2 === 0 ? [a, b] : [b, a];
    ratios.push(etcdctl / own);
    console.log(`round ${round}: etcdctl ${etcdctl.toFixed(2)} s, etcd-lb ${own.toFixed(2)} s`);
  }
  const large = await mostMemory(endpoint);

  const named = cluster.members.map(({ name, clientUrl }) => `${name}=${clientUrl}`).join();
  const latencies: number[] = [];
  await using balancer = await Balancer.start([
    ...['--endpoints', named, '--snapshot-dir', join(folder, 'dir')],
    ...['--snapshot-every', '40s', '--snapshot-keep', '1'],
    ...(maxRate === undefined ? [] : ['--snapshot-max-rate', maxRate]),
  ]);
  const client = etcd3(`http://${balancer.address}`);
  await client.put('small').value('x');
  await balancer.logged(({ event }) => event === 'snapshot-saved');
  for (let round = 0; round < Math.min(rounds, 4); round += 1) {
    const count = () => balancer.log.filter(({ event }) => event === 'snapshot-saved').length;
    const before = count();
    const without = await p99(client, delay(8_000));
    const { snapshots } = await balancer.status();
    await delay(Math.max(0, Date.parse(snapshots?.nextAt ?? '') - Date.now()));
    const saved = async () => {
      while (count() === before) await delay(50);
    };
    const during = await p99(client, saved());
    latencies.push(during / without);
    console.log(
      `round ${round}: p99 ${without.toFixed(1)} ms, during a snapshot ${during.toFixed(1)} ms`,
    );
  }
  client.close();

  const table = [
    ['throughput beside etcdctl', median(ratios).toFixed(2), 'at least 0.8', median(ratios) >= 0.8],
    [
      'memory above that for 20 MB',
      `${(large - small).toFixed(0)} MB`,
      'at most 20 MB',
      large - small <= 20,
    ],
    [
      'p99 of reads beside without',
      median(latencies).toFixed(2),
      'at most 1.5',
      median(latencies) <= 1.5,
    ],
  ] as const;
  for (const row of table) console.log(row.slice(0, 3).join(' | '), row[3] ? '' : 'MISSED');
  console.log(
    `resident with 20 MB: ${small.toFixed(0)} MB, with ${megabytes} MB: ${large.toFixed(0)} MB`,
  );
  process.exitCode = table.every((row) => row[3]) ? 0 : 1;
} finally {
  await cluster.stop();
  await rm(folder, { recursive: true });
}
