/**
 * Clients that are asked to take their calls elsewhere, many times a second, while they work: no call
 * fails, no event is missed, doubled or out of order, and no lease is lost.
 */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { type EtcdBinary, findEtcd } from '../../src/demo/etcd-binary.ts';
import { type LocalCluster, startLocalCluster } from '../../src/demo/local-cluster.ts';
import { rangeFile } from '../bench/load/requests.ts';
import { capture } from '../machine/capture.ts';
import { Child } from '../machine/child.ts';
import { findH2load } from '../machine/programs.ts';
import { etcd3, etcdctl } from '../support/clients.ts';
import { Load } from '../support/load.ts';
import { Mover } from '../support/mover.ts';

/** A busy machine needs more than the second that is usual. */
const patience = { timeout: 20_000 };

describe.each(['stable', 'next'] as const)('%s release of etcd', (release) => {
  const parts = new AsyncDisposableStack();
  let etcd: EtcdBinary;
  let cluster: LocalCluster;

  beforeAll(async () => {
    etcd = await findEtcd({ release });
    cluster = parts.use(await startLocalCluster({ etcd, size: 3 }));
  });
  afterAll(() => parts.disposeAsync());

  test('hundreds of moves of etcd3 clients that read and write: none of their calls fails', async () => {
    await using mover = await Mover.before(cluster.members);
    await using load = new Load(`http://${mover.address}`, 20, 2);
    await load.everyoneServed();
    mover.start(10, 200);
    await vi.waitUntil(() => mover.moves >= 300, { timeout: 20_000 });
    mover.stop();
    await load.everyoneServed();
    expect(load.errors).toEqual([]);
    expect(load.successes).toBeGreaterThan(500);
    await allEnded(mover);
    expect(new Set(mover.ended)).toEqual(new Set(['rebalanced']));
    expect(mover.members.map(({ load: held }) => held).reduce((a, b) => a + b)).toBe(20);
  });

  test('watches see every event once and in order, leases live on', async () => {
    await using mover = await Mover.before(cluster.members);
    const direct = etcd3(cluster.endpoints);
    const address = `http://${mover.address}`;
    const seen = { etcd3: [] as string[], etcdctl: [] as string[] };
    const through = etcd3(address);
    const watcher = await through.watch().key('moved').create();
    watcher.on('put', ({ value }) => seen.etcd3.push(String(value)));
    const lost: unknown[] = [];
    const lease = through.lease(2);
    lease.on('lost', (error) => lost.push(error));
    await lease.put('leased').value('still here');
    await using watch = goWatch(etcd, address, (value) => seen.etcdctl.push(value));
    const [, leaseId = ''] =
      /lease (\w+)/.exec(await etcdctl(etcd, address)('lease', 'grant', '2')) ?? [];
    await etcdctl(etcd, address)('put', '--lease', leaseId, 'leased-by-go', 'still here');
    await using keepAlive = new Child(
      'etcdctl lease keep-alive',
      [etcd.etcdctl ?? '', '--endpoints', address, 'lease', 'keep-alive', leaseId],
      { env: { ETCDCTL_API: '3' }, onLine: () => {} },
    );
    // Both watches stand once they have seen a first value.
    const isCounted = (value: string): boolean => value !== 'first';
    await vi.waitUntil(async () => {
      await direct.put('moved').value('first');
      return Object.values(seen).every((values) => values.length > 0);
    }, patience);

    mover.start(20, 100);
    const expected: string[] = [];
    while (expected.length < 800 || mover.moves <= 30) {
      expected.push(String(expected.length));
      await direct.put('moved').value(expected.at(-1) ?? '');
    }
    mover.stop();
    await vi.waitUntil(
      () => Object.values(seen).every((values) => values.at(-1) === expected.at(-1)),
      {
        timeout: 10_000,
      },
    );
    expect(seen.etcd3.filter(isCounted)).toEqual(expected);
    expect(seen.etcdctl.filter(isCounted)).toEqual(expected);
    await new Promise((resolve) => setTimeout(resolve, 2_500)); // longer than the leases last alone
    expect(lost).toEqual([]);
    expect(await direct.get('leased').string()).toBe('still here');
    expect(await direct.get('leased-by-go').string()).toBe('still here');
    expect([watch.ended, keepAlive.ended]).toEqual([false, false]);
    await lease.revoke();
    through.close();
    direct.close();
  });

  test('thousands of calls in flight: each that was made is answered', async () => {
    await using mover = await Mover.before(cluster.members);
    const folder = await mkdtemp(join(tmpdir(), 'etcd-lb-moves-'));
    mover.start(20, 100);
    const output = await capture(await findH2load(), [
      ...['-t', '1', '-n', '60000', '-c', '20', '-m', '100', '-d', rangeFile(folder, 'foo')],
      ...['-H', 'content-type: application/grpc', '-H', 'te: trailers'],
      `http://${mover.address}/etcdserverpb.KV/Range`,
    ]);
    mover.stop();
    await rm(folder, { recursive: true });
    // h2load does not connect anew: what it had still to send on a connection that was moved it gives up.
    const [, succeeded] = /(\d+) succeeded/.exec(output) ?? [];
    const { sessions } = mover.dataPath;
    const made = mover.members.map((member) => sessions.totalsOf(member).calls.started);
    expect(mover.moves).toBeGreaterThan(5);
    expect(Number(succeeded)).toBeGreaterThan(1_000);
    expect(Number(succeeded)).toBe(made.reduce((a, b) => a + b));
    await allEnded(mover);
    expect(mover.members.map(({ load: held, calls }) => [held, calls])).toEqual(
      mover.members.map(() => [0, 0]),
    );
  });
});

/** Resolves when every client that was asked to leave has left. */
async function allEnded({ ended, moves }: Mover): Promise<void> {
  await vi.waitUntil(() => ended.filter((reason) => reason === 'rebalanced').length === moves, {
    timeout: 10_000,
  });
}

function goWatch(etcd: EtcdBinary, address: string, onValue: (value: string) => void): Child {
  return new Child(
    'etcdctl watch',
    [etcd.etcdctl ?? '', '--endpoints', address, 'watch', '-w', 'simple', 'moved'],
    {
      env: { ETCDCTL_API: '3' },
      onLine: (line) => {
        if (line !== 'PUT' && line !== 'moved') onValue(line);
      },
    },
  );
}
