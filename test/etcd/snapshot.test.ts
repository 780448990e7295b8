/** Snapshots of real members: taken, verified, accepted and restored by etcd's own tools. */
import { randomBytes } from 'node:crypto';
import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { loadSettings } from '../../src/config/load.ts';
import { findEtcd } from '../../src/demo/etcd-binary.ts';
import { type LocalCluster, startLocalCluster } from '../../src/demo/local-cluster.ts';
import { inOrderOfChoice } from '../../src/snapshot/choose.ts';
import { inspectSnapshot, isWhole } from '../../src/snapshot/file/inspect.ts';
import { fileSink } from '../../src/snapshot/file/sink.ts';
import { survey } from '../../src/snapshot/survey.ts';
import { type TakeOptions, takeSnapshot } from '../../src/snapshot/take.ts';
import { type Certificates, createCertificates } from '../support/certificates.ts';
import { etcd3, etcdctl } from '../support/clients.ts';

let parts: AsyncDisposableStack;
let folder: string;
beforeEach(async () => {
  parts = new AsyncDisposableStack();
  folder = await mkdtemp(join(tmpdir(), 'etcd-lb-snapshot-'));
  parts.defer(() => rm(folder, { recursive: true }));
});
afterEach(() => parts.disposeAsync());

/** Writes `count` keys of 500 kB that do not compress. */
async function fill(cluster: LocalCluster, count: number, certificates?: Certificates) {
  const writer = etcd3(cluster.endpoints, certificates);
  for (let index = 0; index < count; index += 1) {
    await writer.put(`bulk/${index}`).value(randomBytes(500_000));
  }
  writer.close();
}

/** The members in the order in which they would be asked. */
async function chosen(cluster: LocalCluster, certificates?: Certificates) {
  const { ca, client } = certificates ?? {};
  const endpoints = cluster.members.map(({ name, clientUrl }) => `${name}=${clientUrl}`).join();
  const flags = { endpoints, ...(client && { cacert: ca, cert: client.cert, key: client.key }) };
  const { settings } = loadSettings({ flags, env: {} });
  return inOrderOfChoice(await survey(settings, () => 0));
}

const ignore = (): void => {};

function take(
  members: Awaited<ReturnType<typeof chosen>>,
  rest: Partial<TakeOptions> & Pick<TakeOptions, 'sink'>,
) {
  return takeSnapshot({
    ...{ sources: members.map(({ source }) => source), target: 'a file', maxRate: undefined },
    ...{ signal: new AbortController().signal, onProgress: ignore, onFailed: ignore, ...rest },
  });
}

describe.each([
  ['stable', 'plain'],
  ['next', 'mutual TLS'],
] as const)('%s release, %s', (release, kind) => {
  test('a snapshot is whole, and etcd restores it', async () => {
    const certificates = kind === 'plain' ? undefined : parts.use(await createCertificates());
    const etcd = await findEtcd({ release });
    const tls = certificates && {
      ca: certificates.ca,
      serverCert: certificates.server.cert,
      serverKey: certificates.server.key,
    };
    const cluster = parts.use(await startLocalCluster({ etcd, size: 3, ...(tls && { tls }) }));
    await fill(cluster, 10, certificates);
    const members = await chosen(cluster, certificates);
    const leader = await cluster.leader();
    expect(members.at(-1)).toMatchObject({ name: leader.name, isLeader: true, isHealthy: true });
    const file = join(folder, 'etcd.db');
    const taken = await take(members, { sink: () => fileSink(file, false) });
    expect(taken.from).toBe(members[0]?.name);

    const report = inspectSnapshot(file);
    expect(report).toMatchObject({ size: taken.size, hash: 'matches', contents: { members: 3 } });
    const ctl = etcdctl(etcd, cluster.endpoints[0] ?? '', certificates);
    const told = JSON.parse(await ctl('snapshot', 'status', file, '-w', 'json')) as {
      revision: number;
    };
    expect(report.contents?.revision).toBe(told.revision);
    expect(await readdir(folder)).toEqual(['etcd.db']);
    await ctl('snapshot', 'restore', file, '--data-dir', join(folder, 'restored'));
    expect(await readdir(join(folder, 'restored/member/snap'))).toContain('db');
  });
});

describe('a member that is killed in the middle', () => {
  test('is followed by another one, and nothing half-written is left', async () => {
    const etcd = await findEtcd();
    const cluster = parts.use(await startLocalCluster({ etcd, size: 3 }));
    await fill(cluster, 30);
    const members = await chosen(cluster);
    const victim = cluster.members.find(({ name }) => name === members[0]?.name);
    const failed: string[] = [];
    let killed: Promise<unknown> | undefined;
    const taken = await take(members, {
      sink: () => fileSink(join(folder, 'etcd.db'), false),
      maxRate: 5_000_000,
      onProgress: ({ received }) => {
        if (received > 1_000_000) killed ??= victim?.kill('SIGKILL');
      },
      onFailed: (name) => failed.push(name),
    });
    await killed;
    expect(failed).toEqual([victim?.name]);
    expect(taken.from).toBe(members[1]?.name);
    expect(isWhole(inspectSnapshot(join(folder, 'etcd.db')))).toBe(true);
    expect(await readdir(folder)).toEqual(['etcd.db']);
  });
});
