/**
 * What clients of etcd do, through the balancer, compared with what the members say directly: every
 * cluster size of the operating guide, plain and with mutual TLS, two releases of etcd.
 */
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import type { Etcd3 } from 'etcd3';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type EtcdBinary, findEtcd } from '../../src/demo/etcd-binary.ts';
import { type LocalCluster, startLocalCluster } from '../../src/demo/local-cluster.ts';
import { Balancer } from '../support/balancer.ts';
import { type Certificates, createCertificates } from '../support/certificates.ts';
import { etcd3, etcdctl } from '../support/clients.ts';

describe.each([
  { size: 1, release: 'next', tls: false },
  { size: 3, release: 'stable', tls: false },
  { size: 3, release: 'next', tls: true },
  { size: 5, release: 'stable', tls: true },
] as const)('$size members, $release release, TLS $tls', ({ size, release, tls }) => {
  const parts = new AsyncDisposableStack();
  let etcd: EtcdBinary;
  let certificates: Certificates | undefined;
  let cluster: LocalCluster;
  let balancer: Balancer;
  let through: Etcd3;
  let direct: Etcd3;

  beforeAll(async () => {
    etcd = await findEtcd({ release });
    certificates = tls ? parts.use(await createCertificates()) : undefined;
    const { ca, server, client } = certificates ?? {};
    cluster = parts.use(
      await startLocalCluster({
        etcd,
        size,
        ...(ca && server && { tls: { ca, serverCert: server.cert, serverKey: server.key } }),
      }),
    );
    const flags = ca && client ? ['--cacert', ca, '--cert', client.cert, '--key', client.key] : [];
    balancer = parts.use(await Balancer.start(['--endpoints', namedEndpoints(cluster), ...flags]));
    await balancer.healthy(cluster.members.map(({ name }) => name));
    const scheme = tls ? 'https' : 'http';
    through = etcd3(`${scheme}://${balancer.address}`, certificates);
    parts.defer(() => through.close());
    direct = etcd3(cluster.endpoints, certificates);
    parts.defer(() => direct.close());
  });
  afterAll(() => parts.disposeAsync());

  test('puts, gets and transactions', async () => {
    await through.put('plain').value('one');
    expect(await direct.get('plain').string()).toBe('one');
    const swap = () =>
      through
        .if('plain', 'Value', '==', 'one')
        .then(through.put('plain').value('two'))
        .else(through.get('plain'))
        .commit();
    expect((await swap()).succeeded).toBe(true);
    expect((await swap()).succeeded).toBe(false);
    expect(await through.get('plain').string()).toBe(await direct.get('plain').string());
  });

  test('a value of 1 MB', async () => {
    const value = randomBytes(1_000_000);
    await through.put('large').value(value);
    expect((await through.get('large').buffer())?.equals(value)).toBe(true);
    expect((await direct.get('large').buffer())?.equals(value)).toBe(true);
  });

  test('a lease is kept alive and revoked', async () => {
    const lease = through.lease(5);
    const kept = once(lease, 'keepaliveSucceeded');
    await lease.put('leased').value('for a while');
    await kept;
    expect(await direct.get('leased').string()).toBe('for a while');
    await lease.revoke();
    expect(await direct.get('leased').string()).toBe(null);
  });

  test('a watch of 10,000 events sees each once and in order', async () => {
    const count = 10_000;
    const watcher = await through.watch().prefix('watched/').create();
    const seen: number[] = [];
    const all = Promise.withResolvers<void>();
    watcher.on('put', (event) => {
      seen.push(Number(event.value.toString()));
      if (seen.length === count) all.resolve();
    });
    watcher.on('error', all.reject);
    // A hundred to a transaction: etcd's limit is 128, and the order within one is kept.
    for (let first = 0; first < count; first += 100) {
      const puts = Array.from({ length: 100 }, (_, index) =>
        direct.put(`watched/${index}`).value(first + index),
      );
      await direct
        .if('watched', 'Version', '==', 0)
        .then(...puts)
        .commit();
    }
    await all.promise;
    await watcher.cancel();
    expect(seen).toEqual(Array.from({ length: count }, (_, index) => index));
  });

  test('200 clients of etcd3 at once', async () => {
    const scheme = tls ? 'https' : 'http';
    const clients = Array.from({ length: 200 }, () =>
      etcd3(`${scheme}://${balancer.address}`, certificates),
    );
    try {
      const read = await Promise.all(
        clients.map(async (client, index) => {
          await client.put(`etcd3/${index}`).value(index);
          return client.get(`etcd3/${index}`).number();
        }),
      );
      expect(read).toEqual(clients.map((_, index) => index));
      const { members } = await balancer.status();
      const loads = members.map(({ sessions }) => sessions);
      // `through` holds one more, made before.
      expect(Math.max(...loads) - Math.min(...loads)).toBeLessThanOrEqual(1);
    } finally {
      for (const client of clients) client.close();
    }
    const stored = await direct.getAll().prefix('etcd3/').numbers();
    expect(Object.keys(stored)).toHaveLength(200);
  });

  test('200 etcdctl at once', async () => {
    const run = etcdctl(etcd, balancer.address, certificates);
    const numbers = Array.from({ length: 200 }, (_, index) => index);
    const answers = await Promise.all(
      numbers.map((number) => run('put', `etcdctl/${number}`, `${number}`)),
    );
    expect(answers.every((answer) => answer.startsWith('OK'))).toBe(true);
    const stored = await direct.getAll().prefix('etcdctl/').numbers();
    expect(Object.values(stored).sort((a, b) => a - b)).toEqual(numbers);
    const viaBalancer = await run('get', '--prefix', 'etcdctl/');
    const member = cluster.members[0]?.clientUrl ?? '';
    expect(viaBalancer).toBe(
      await etcdctl(etcd, member, certificates)('get', '--prefix', 'etcdctl/'),
    );
  }, 60_000);
});

function namedEndpoints(cluster: LocalCluster): string {
  return cluster.members.map(({ name, clientUrl }) => `${name}=${clientUrl}`).join();
}
