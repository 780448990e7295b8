/** Scheduled snapshots: two balancers of one cluster, of which one takes each; and what is left when it goes wrong. */
import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { findEtcd } from '../../src/demo/etcd-binary.ts';
import { startLocalCluster } from '../../src/demo/local-cluster.ts';
import { inspectSnapshot, isWhole } from '../../src/snapshot/file/inspect.ts';
import { timeOf } from '../../src/snapshot/schedule/folder.ts';
import { Balancer } from '../support/balancer.ts';
import { etcdctl } from '../support/clients.ts';

let parts: AsyncDisposableStack;
let folder: string;
beforeEach(async () => {
  parts = new AsyncDisposableStack();
  folder = await mkdtemp(join(tmpdir(), 'etcd-lb-schedule-'));
  parts.defer(() => rm(folder, { recursive: true }));
});
afterEach(() => parts.disposeAsync());

test('of two balancers one takes each, the oldest are removed, and metrics, status and log tell', async () => {
  const etcd = await findEtcd();
  const cluster = parts.use(await startLocalCluster({ etcd, size: 3 }));
  const endpoints = cluster.members.map(({ name, clientUrl }) => `${name}=${clientUrl}`).join();
  const start = async (name: string): Promise<Balancer> => {
    const dir = join(folder, name);
    const balancer = await Balancer.start([
      ...['--endpoints', endpoints, '--name', name, '--snapshot-dir', dir],
      ...['--snapshot-every', '3s', '--snapshot-keep', '2', '--snapshot-max-rate', '100MB'],
    ]);
    return parts.use(balancer);
  };
  const [one, two] = await Promise.all([start('one'), start('two')]);
  const saved = () =>
    [one, two].flatMap(({ log }) => log.filter(({ event }) => event === 'snapshot-saved'));
  const skipped = () =>
    [one, two].flatMap(({ log }) => log.filter(({ event }) => event === 'snapshot-skipped'));
  await expect.poll(() => saved().length, { timeout: 25_000 }).toBeGreaterThan(4);
  expect(skipped().length).toBeGreaterThan(2);

  // At least nine tenths of the period lie between two, whoever takes them.
  const times = saved()
    .map(({ file }) => timeOf(String(file).split('/').at(-1) ?? '') ?? 0)
    .toSorted((a, b) => a - b);
  const gaps = times.slice(1).map((time, index) => time - (times[index] ?? 0));
  expect(Math.min(...gaps), `${gaps}`).toBeGreaterThanOrEqual(2_000); // names have whole seconds

  const busiest =
    saved().filter(({ file }) => String(file).includes('/one/')).length > 2 ? one : two;
  const dir = join(folder, busiest === one ? 'one' : 'two');
  const names = await readdir(dir);
  expect(names.filter((name) => name.endsWith('.db')).length).toBeLessThanOrEqual(3); // one may be under way
  for (const name of names.filter((each) => !each.startsWith('.'))) {
    expect(isWhole(inspectSnapshot(join(dir, name)))).toBe(true);
  }
  const { snapshots } = await busiest.status();
  expect(snapshots).toMatchObject({ dir, everyMs: 3_000, last: { size: expect.any(Number) } });
  expect(await busiest.metric('etcd_lb_snapshot_interval_seconds')).toBe(3);
  expect(await busiest.metric('etcd_lb_snapshot_size_bytes')).toBeGreaterThan(16_000);
  expect(await busiest.metric('etcd_lb_snapshots_total{result="saved"}')).toBeGreaterThan(1);
  // What says whose turn it is has a lease: it goes when they have gone.
  const ctl = etcdctl(etcd, cluster.endpoints[0] ?? '');
  expect(await ctl('get', 'etcd-lb/snapshot')).toContain('"state":"tak');
  await Promise.all([one, two].map((each) => each.stop()));
  await expect.poll(() => ctl('get', 'etcd-lb/snapshot'), { timeout: 20_000 }).toBe('');
}, 90_000);

test('what cannot be saved is told in a sentence, and another balancer takes it', async () => {
  const etcd = await findEtcd({ release: 'next' });
  const cluster = parts.use(await startLocalCluster({ etcd, size: 1 }));
  // A file where the folder should be: root may write into any folder.
  await writeFile(join(folder, 'taken'), '');
  const endpoints = cluster.endpoints.join();
  const args = ['--endpoints', endpoints, '--snapshot-every', '2s', '--snapshot-dir'];
  const bad = parts.use(await Balancer.start([...args, join(folder, 'taken')]));
  const failed = await bad.logged(({ event }) => event === 'snapshot-failed');
  expect(failed.msg).toContain('a scheduled snapshot was not saved: ');
  const good = parts.use(await Balancer.start([...args, join(folder, 'good')]));
  await good.logged(({ event }) => event === 'snapshot-saved');
  expect((await bad.status()).snapshots).toMatchObject({ failure: expect.any(String) });
}, 60_000);
