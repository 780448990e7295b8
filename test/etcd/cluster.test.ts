/**
 * The ground the other tests stand on: etcd is found and runs in both releases, and a local cluster
 * does what it says: serves, is killed, hung and started again member by member, and leaves nothing.
 * What etcd-lb does in front of it is for the tests beside this one.
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { Etcd3, type IOptions } from 'etcd3';
import { afterEach, beforeAll, describe, expect, onTestFinished, test, vi } from 'vitest';
import { type EtcdBinary, findEtcd } from '../../src/demo/etcd-binary.ts';
import {
  type LocalCluster,
  type LocalClusterOptions,
  startLocalCluster,
} from '../../src/demo/local-cluster.ts';
import type { MemberExit } from '../../src/demo/local-member.ts';
import { createCertificates } from '../support/certificates.ts';

// An election takes etcd a second or two, several on a busy machine.
vi.setConfig({ testTimeout: 30_000 });

let stable: EtcdBinary;
let next: EtcdBinary;
/** Folders of the clusters that the running test started. */
const folders: string[] = [];

beforeAll(async () => {
  stable = await findEtcd({ onProgress: console.log });
  next = await findEtcd({ release: 'next', onProgress: console.log });
}, 180_000);

afterEach(() => {
  for (const folder of folders.splice(0)) {
    expect(processesNaming(folder)).toEqual([]);
    expect(existsSync(folder)).toBe(false);
  }
});

async function start(options: Partial<LocalClusterOptions>): Promise<LocalCluster> {
  const cluster = await startLocalCluster({ etcd: stable, size: 3, ...options });
  folders.push(cluster.folder);
  return cluster;
}

/** A folder for all temporary folders of the running test, so that other tests do not count. */
async function ownTemporaryFolder(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'etcd-lb-test-'));
  vi.stubEnv('TMPDIR', folder);
  onTestFinished(async () => {
    vi.unstubAllEnvs();
    await rm(folder, { recursive: true });
  });
  return folder;
}

/** Ids of all processes with `text` in their command line. */
function processesNaming(text: string): string[] {
  return readdirSync('/proc').filter((pid) => {
    try {
      return /^\d+$/.test(pid) && readFileSync(`/proc/${pid}/cmdline`, 'utf8').includes(text);
    } catch {
      return false; // ended meanwhile
    }
  });
}

function client(hosts: string[], credentials?: IOptions['credentials']): Etcd3 & Disposable {
  const etcd = new Etcd3({
    hosts,
    ...(credentials && { credentials }),
    // grpc-js names the host in its TLS greeting even when that is an IP address, which RFC 6066
    // forbids and Node 26 refuses; so it gets a name that the certificate has.
    grpcOptions: { 'grpc.ssl_target_name_override': 'localhost' },
  });
  return Object.assign(etcd, { [Symbol.dispose]: () => etcd.close() });
}

/** Writes at the first endpoint and reads at the last. */
async function writeAndRead(cluster: LocalCluster, value: string): Promise<string | null> {
  using first = client(cluster.endpoints.slice(0, 1));
  using last = client(cluster.endpoints.slice(-1));
  await first.put('key').value(value);
  return await last.get('key').string();
}

describe('etcd is found', () => {
  test('in the release of the distribution and in the next one', () => {
    expect(stable.version).toMatch(/^3\.\d+\.\d+/);
    expect(next.version).toMatch(/^3\.\d+\.\d+/);
    if (stable.source === 'Debian bookworm') expect(stable.version).toMatch(/^3\.4\./);
    if (next.source === 'Debian trixie') expect(next.version).toMatch(/^3\.5\./);
    expect(stable.etcdctl).toBeDefined();
  });

  test('where $ETCD says, or not at all', async () => {
    onTestFinished(() => void vi.unstubAllEnvs());
    vi.stubEnv('ETCD', next.etcd);
    expect(await findEtcd()).toMatchObject({ version: next.version, source: '$ETCD' });
    vi.stubEnv('ETCD', process.execPath);
    await expect(findEtcd()).rejects.toThrow(/^\$ETCD is .*, which does not run as etcd: set it/);
  });
});

describe.for(['stable', 'next'] as const)('a cluster of the %s release', (release) => {
  test.for([1, 3] as const)('of %i serves', async (size) => {
    await using cluster = await start({ etcd: release === 'stable' ? stable : next, size });
    expect(cluster.members.map(({ name }) => name)).toEqual(['m0', 'm1', 'm2'].slice(0, size));
    expect(await writeAndRead(cluster, release)).toBe(release);
    expect(cluster.members).toContain(await cluster.leader());
  });

  test('with mutual TLS serves those who show a certificate', async () => {
    await using certificates = await createCertificates();
    const { ca, server } = certificates;
    await using cluster = await start({
      etcd: release === 'stable' ? stable : next,
      tls: { ca, serverCert: server.cert, serverKey: server.key },
    });
    expect(cluster.endpoints[0]).toMatch(/^https:/);
    expect(cluster.members).toContain(await cluster.leader());

    const credentials = (pair: { cert: string; key: string }) => ({
      rootCertificate: readFileSync(ca),
      certChain: readFileSync(pair.cert),
      privateKey: readFileSync(pair.key),
    });
    using known = client(cluster.endpoints, credentials(certificates.client));
    await known.put('key').value('value');
    expect(await known.get('key').string()).toBe('value');
    // The server's alert; Go names the reason differently from release to release.
    const refusal = /SSL alert number \d+/;
    for (const pair of [certificates.expired, certificates.stranger]) {
      using refused = client(cluster.endpoints.slice(0, 1), credentials(pair));
      await expect(refused.get('key').string()).rejects.toThrow(refusal);
    }
  });

  test('survives its leader, which comes back with what it missed', async () => {
    await using cluster = await start({ etcd: release === 'stable' ? stable : next });
    const killed = await cluster.leader();
    await killed.kill();
    expect(killed.state).toEqual({
      kind: 'stopped',
      exit: { code: null, signal: 'SIGKILL', expected: true },
    });
    expect(killed.pid).toBeUndefined();
    await expect(cluster.ready()).rejects.toThrow(`etcd ${killed.name} ended with SIGKILL`);

    expect(await cluster.leader()).not.toBe(killed);
    const others = cluster.members.filter((member) => member !== killed);
    using rest = client(others.map(({ clientUrl }) => clientUrl));
    await rest.put('missed').value('yes');

    await killed.start();
    await cluster.ready();
    using back = client([killed.clientUrl]);
    expect(await back.get('missed').string()).toBe('yes');
  });
});

test('a paused member accepts connections and answers nothing, until it is resumed', async () => {
  await using cluster = await start({});
  const hung = await cluster.leader();
  hung.pause();
  expect(hung.state.kind).toBe('paused');
  expect(hung.running).toBe(false);
  await once(connect(hung.clientPort, '127.0.0.1').unref(), 'connect');
  await expect(
    fetch(`${hung.clientUrl}/health`, { signal: AbortSignal.timeout(300) }),
  ).rejects.toThrow(/timeout/);
  expect(await cluster.leader()).not.toBe(hung);

  hung.resume();
  await cluster.ready();
  expect(hung.running).toBe(true);

  hung.pause();
  await hung.kill('SIGTERM');
  expect(hung.state.kind).toBe('stopped');
});

test('the end of a member that nobody asked for is told', async () => {
  const told = Promise.withResolvers<[string, MemberExit]>();
  await using cluster = await start({
    size: 1,
    onUnexpectedExit: (member, exit) => told.resolve([member.name, exit]),
  });
  const [member] = cluster.members;
  if (member?.pid === undefined) throw new Error('no process');
  process.kill(member.pid, 'SIGKILL');
  expect(await told.promise).toEqual(['m0', { code: null, signal: 'SIGKILL', expected: false }]);
  await member.start();
  await cluster.ready();
});

test('a cluster that cannot start says why in one line', async () => {
  const folder = await ownTemporaryFolder();
  await expect(start({ extraArgs: ['--no-such-flag'] })).rejects.toThrow(
    /^etcd m\d ended with exit code \d+: .*no-such-flag.*$/,
  );
  await expect(
    start({ tls: { ca: '/dev/null', serverCert: '/dev/null', serverKey: '/dev/null' }, size: 1 }),
  ).rejects.toThrow(/^etcd m0 ended with exit code 1: [^\n]+$/);
  expect(readdirSync(folder)).toEqual([]);
});

test('an abort stops the cluster, also while it starts', async () => {
  const folder = await ownTemporaryFolder();
  const early = new AbortController();
  const starting = start({ signal: early.signal });
  setTimeout(() => early.abort(new Error('enough')), 100);
  await expect(starting).rejects.toThrow('enough');
  expect(readdirSync(folder)).toEqual([]);

  const late = new AbortController();
  const cluster = await start({ size: 1, signal: late.signal });
  late.abort();
  await cluster.stop();
});

test('members die with a process that is killed', async () => {
  const module = new URL('../../src/demo/local-cluster.ts', import.meta.url);
  const code = `
    import { startLocalCluster } from ${JSON.stringify(module.href)};
    const cluster = await startLocalCluster({ etcd: ${JSON.stringify(stable)}, size: 1 });
    console.log(cluster.folder);
    setInterval(() => {}, 1000);`;
  const owner = spawn(process.execPath, ['--input-type=module', '--eval', code], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const [folder] = (await once(createInterface(owner.stdout), 'line')) as [string];
  try {
    expect(processesNaming(folder)).toHaveLength(1);
    owner.kill('SIGKILL');
    await once(owner, 'exit');
    await expect.poll(() => processesNaming(folder), { timeout: 2_000 }).toEqual([]);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
});
