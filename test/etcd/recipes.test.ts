/**
 * docs/recipes.md, carried out as it stands there on real clusters, while clients write and read without
 * repeating anything. No command may cost a call.
 */
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { type EtcdBinary, findEtcd } from '../../src/demo/etcd-binary.ts';
import { freePorts } from '../../src/demo/free-ports.ts';
import { type LocalCluster, startLocalCluster } from '../../src/demo/local-cluster.ts';
import type { LocalMember, Place } from '../../src/demo/local-member.ts';
import { Balancer } from '../support/balancer.ts';
import { etcd3, etcdctl, withoutRetries } from '../support/clients.ts';
import { idOf, retried, startAdded } from '../support/joining-member.ts';
import { Load } from '../support/load.ts';
import { Operator } from '../support/operator.ts';
import { carryOut, type Hands, linesUnder } from '../support/recipe.ts';

const clients = 12;

let parts: AsyncDisposableStack;
let folder: string;
beforeEach(async () => {
  parts = new AsyncDisposableStack();
  folder = await mkdtemp(join(tmpdir(), 'etcd-lb-recipes-'));
  parts.defer(() => rm(folder, { recursive: true }));
});
afterEach(() => parts.disposeAsync());

interface Scene {
  readonly etcd: EtcdBinary;
  readonly cluster: LocalCluster;
  readonly balancer: Balancer;
  readonly operator: Operator;
  readonly adminSocket: string;
}

async function begin(release: 'stable' | 'next', ...extraArgs: string[]): Promise<Scene> {
  const etcd = await findEtcd({ release });
  const cluster = parts.use(await startLocalCluster({ etcd, size: 3, extraArgs }));
  const adminSocket = join(folder, 'admin.sock');
  await configure(cluster.members, adminSocket);
  const config = ['--config', join(folder, 'etcd-lb.yaml'), '--admin-socket', adminSocket];
  // The default, which is what the recipes go by.
  const balancer = parts.use(await Balancer.start([...config, '--drain-timeout', '10s']));
  await balancer.healthy(['m0', 'm1', 'm2']);
  return { etcd, cluster, balancer, operator: new Operator(adminSocket), adminSocket };
}

async function configure(
  members: readonly Pick<LocalMember, 'name' | 'clientUrl'>[],
  adminSocket: string,
): Promise<void> {
  const endpoints = members.map(({ name, clientUrl }) => `${name}=${clientUrl}`).join();
  await writeFile(
    join(folder, 'etcd-lb.yaml'),
    `listen: 127.0.0.1:0\nendpoints: "${endpoints}"\nadmin-socket: ${adminSocket}\nslow-start: 0\n`,
  );
}

async function loaded({ balancer }: Scene): Promise<Load> {
  const load = parts.use(new Load(`http://${balancer.address}`, clients, 5));
  await load.everyoneServed();
  return load;
}

/** The members, the leader last. */
async function inOrder({ cluster }: Scene): Promise<LocalMember[]> {
  const leader = await cluster.leader();
  return [...cluster.members.filter((member) => member !== leader), leader];
}

/** Somebody who carries a recipe out for a member, and holds every command to what it may cost. */
function handsFor(scene: Scene, member: LocalMember, load?: Load): Hands {
  const { cluster, etcd, adminSocket } = scene;
  const others = cluster.members.filter((each) => each !== member);
  let before = load?.failures ?? 0;
  return {
    etcd,
    adminSocket,
    cp1: member.name,
    values: {
      $CP1: () => member.clientUrl,
      $OTHERS: () => others.map(({ clientUrl }) => clientUrl).join(),
      $CP1_ID: () => idOf(member, others, etcd),
    },
    byHand: { 'systemctl stop etcd': () => member.kill('SIGTERM') },
    onDone: async (command) => {
      if (load === undefined) return;
      // Those whose call is stuck too: it has failed by then.
      await load.everyoneServed();
      const errors = load.errors.slice(before);
      before = load.failures;
      expect([command, errors], scene.balancer.history).toEqual([command, []]);
    },
  };
}

/** 20 MB that nobody needs any more, compacted away. */
async function bloat(endpoint: string): Promise<void> {
  const writer = etcd3(endpoint);
  for (let round = 0; round < 40; round += 1) {
    await writer.put('bulk').value(Buffer.alloc(500_000, round));
  }
  const { header } = await writer.put('bulk').value('');
  await writer.kv.compact({ revision: header.revision, physical: true });
  writer.close();
}

interface DatabaseStatus {
  readonly Status: { readonly dbSize: number; readonly header: { readonly revision: number } };
}

async function statusOf({ etcd }: Scene, { clientUrl }: LocalMember) {
  const text = await etcdctl(etcd, clientUrl)('endpoint', 'status', '-w', 'json');
  const [first] = JSON.parse(text) as DatabaseStatus[];
  if (first === undefined) throw new Error(`no status: ${text}`);
  return first.Status;
}

describe.each(['stable', 'next'] as const)('%s release', (release) => {
  test('replacing a follower', async () => {
    const scene = await begin(release);
    const load = await loaded(scene);
    const leader = await scene.cluster.leader();
    const follower = scene.cluster.members.find((member) => member !== leader);
    if (follower === undefined) throw new Error('no follower');
    const replaced = await replace(scene, follower, scene.cluster.members, load);
    expect(await scene.operator.member(follower.name)).toMatchObject({
      endpoint: replaced.clientUrl,
      state: 'healthy',
      acceptsNew: true,
    });
    await retried(async () => {
      const { sessions } = await scene.operator.member(follower.name);
      if (sessions < clients / 3 - 1) throw new Error('it has not got its share');
    });
    await load.everyoneServed();
    expect(load.errors, scene.balancer.history).toEqual([]);
  }, 120_000);
});

describe('what both releases do alike', () => {
  test('defragmenting every member', async () => {
    const scene = await begin('stable');
    const load = await loaded(scene);
    await bloat(scene.cluster.endpoints[0] ?? '');
    for (const member of await inOrder(scene)) {
      expect((await statusOf(scene, member)).dbSize).toBeGreaterThan(15_000_000);
      await carryOut(await linesUnder('Defragment'), handsFor(scene, member, load));
      expect((await statusOf(scene, member)).dbSize).toBeLessThan(5_000_000);
    }
    expect(load.errors, scene.balancer.history).toEqual([]);
  }, 120_000);

  test('defragmenting when the quota was reached, and disarming the alarm', async () => {
    const scene = await begin('next', '--quota-backend-bytes', String(4_000_000));
    const [first] = scene.cluster.members;
    if (first === undefined) throw new Error('no member');
    const writer = etcd3(first.clientUrl, undefined, { faultHandling: withoutRetries });
    parts.defer(() => writer.close());
    const fill = async (): Promise<void> => {
      for (;;) await writer.put('bulk').value(Buffer.alloc(500_000));
    };
    await expect(fill()).rejects.toThrow('database space exceeded');
    const hands = handsFor(scene, first);
    const $REVISION = async () => String((await statusOf(scene, first)).header.revision);
    const values = { ...hands.values, $REVISION };
    await carryOut(await linesUnder('Defragment', 1), { ...hands, values });
    for (const member of await inOrder(scene)) {
      await carryOut(await linesUnder('Defragment'), handsFor(scene, member));
    }
    await expect(writer.put('bulk').value('').exec()).rejects.toThrow('database space exceeded');
    const health = etcdctl(scene.etcd, first.clientUrl)('endpoint', 'health');
    await expect(health).rejects.toThrow('NOSPACE');
    await carryOut(await linesUnder('Defragment', 2), hands);
    expect(await etcdctl(scene.etcd, first.clientUrl)('alarm', 'list')).toBe('');
    await writer.put('bulk').value('');
  }, 120_000);

  test('replacing the leader', async () => {
    const scene = await begin('stable');
    const load = await loaded(scene);
    await replace(scene, await scene.cluster.leader(), scene.cluster.members, load);
    expect(load.errors, scene.balancer.history).toEqual([]);
  }, 120_000);
});

/** Carries the recipe out; resolves with the new member, which has the name of the old one. */
async function replace(
  scene: Scene,
  old: LocalMember,
  members: readonly LocalMember[],
  load: Load,
): Promise<LocalMember> {
  const { cluster, etcd, adminSocket } = scene;
  const others = members.filter((member) => member !== old);
  const [clientPort = 0, peerPort = 0] = await freePorts(2);
  const clientUrl = `http://127.0.0.1:${clientPort}`;
  const place: Place = {
    name: old.name,
    clientPort,
    clientUrl,
    peerUrl: `http://127.0.0.1:${peerPort}`,
  };
  const hands = handsFor(scene, old, load);
  let added: LocalMember | undefined;
  await carryOut(await linesUnder('Replace a member'), {
    ...hands,
    values: {
      ...hands.values,
      '--peer-urls=$NEW_PEER_URL': () => `--peer-urls=${place.peerUrl}`,
      $NEW_CP1: () => clientUrl,
      $NEW_ID: () => idOf(old, others, etcd),
    },
    byHand: {
      ...hands.byHand,
      'systemctl start etcd': async () => {
        // Under another folder: the old one's data is not for the new one.
        const elsewhere = { ...cluster, folder } as LocalCluster;
        const member = await startAdded(elsewhere, others, etcd, place);
        parts.defer(() => member.kill());
        added = member;
        // What the recipe has written by hand before the reload.
        await configure([...others, member], adminSocket);
      },
    },
  });
  if (added === undefined) throw new Error('the recipe starts no etcd');
  return added;
}

test('upgrading every member from one release to the next', async () => {
  const scene = await begin('stable');
  const load = await loaded(scene);
  const newer = await findEtcd({ release: 'next' });
  expect(newer.version).not.toBe(scene.etcd.version);
  const written = etcd3(scene.cluster.endpoints[0] ?? '');
  await written.put('before').value('the upgrade');
  written.close();
  for (const member of await inOrder(scene)) {
    const hands = handsFor(scene, member, load);
    const start = () => member.start(newer.etcd);
    const byHand = { ...hands.byHand, 'systemctl start etcd': start };
    await carryOut(await linesUnder('Upgrade etcd'), { ...hands, byHand });
    const ctl = etcdctl(scene.etcd, member.clientUrl);
    expect(await ctl('endpoint', 'status', '-w', 'simple')).toContain(`, ${newer.version},`);
    expect(await ctl('get', 'before', '--print-value-only')).toBe('the upgrade\n');
  }
  expect(load.errors, scene.balancer.history).toEqual([]);
  await retried(async () => {
    const { versions } = (await scene.operator.client.status()).cluster;
    if (versions.join() !== newer.version) throw new Error(`the members run ${versions}`);
  });
}, 120_000);
