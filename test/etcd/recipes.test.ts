/**
 * docs/recipes.md, carried out on real clusters while clients write and read without repeating anything.
 * None of their requests may fail, but for those in flight in the instant of a move-leader.
 */
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { type EtcdBinary, findEtcd } from '../../src/demo/etcd-binary.ts';
import { type LocalCluster, startLocalCluster } from '../../src/demo/local-cluster.ts';
import type { LocalMember } from '../../src/demo/local-member.ts';
import { Balancer } from '../support/balancer.ts';
import { etcd3, etcdctl } from '../support/clients.ts';
import { addMember, idOf, retried, startAdded } from '../support/joining-member.ts';
import { Load } from '../support/load.ts';
import { Operator } from '../support/operator.ts';

const recipes = await readFile(join(import.meta.dirname, '../../docs/recipes.md'), 'utf8');
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
  readonly load: Load;
}

async function begin(release: 'stable' | 'next'): Promise<Scene> {
  const etcd = await findEtcd({ release });
  const cluster = parts.use(await startLocalCluster({ etcd, size: 3 }));
  const socket = join(folder, 'admin.sock');
  const file = join(folder, 'etcd-lb.yaml');
  await writeFile(file, fileFor(cluster.members, socket));
  const balancer = parts.use(await Balancer.start(['--config', file, '--admin-socket', socket]));
  await balancer.healthy(['m0', 'm1', 'm2']);
  const load = parts.use(new Load(`http://${balancer.address}`, clients, 5));
  await load.everyoneServed();
  return { etcd, cluster, balancer, operator: new Operator(socket), load };
}

function fileFor(members: readonly LocalMember[], socket: string): string {
  const endpoints = members.map(({ name, clientUrl }) => `${name}=${clientUrl}`).join();
  return [
    'listen: 127.0.0.1:0',
    `endpoints: "${endpoints}"`,
    `admin-socket: ${socket}`,
    'slow-start: 0',
  ].join('\n');
}

/** The members, the leader last. */
async function inOrder({ cluster }: Scene): Promise<LocalMember[]> {
  const leader = await cluster.leader();
  return [...cluster.members.filter((member) => member !== leader), leader as LocalMember];
}

/** `etcdctl move-leader`, if this member leads; resolves when another one does, with whether it did. */
async function giveUpLeadership({ cluster, etcd }: Scene, member: LocalMember): Promise<boolean> {
  expect(recipes).toContain('move-leader');
  if ((await cluster.leader()).name !== member.name) return false;
  const other = cluster.members.find(({ name }) => name !== member.name) as LocalMember;
  const id = await idOf(other, [member], etcd);
  await etcdctl(etcd, member.clientUrl)('move-leader', id);
  await retried(async () => {
    if ((await cluster.leader()).name === member.name) throw new Error('it leads still');
  });
  return true;
}

/**
 * What failed beyond those requests that were in flight when the leader moved: of one client there can be one.
 * etcd refuses such a read at once, and loses what was on its way to the old leader, which times out.
 */
function beyondMove(errors: readonly string[]): string[] {
  const lost = /etcdserver: (leader changed|request timed out)/;
  const moved = errors.filter((error) => lost.test(error));
  expect(moved.length).toBeLessThanOrEqual(clients);
  return errors.filter((error) => !lost.test(error));
}

/** Asks a member, with a command that the recipes have. */
async function ask({ etcd }: Scene, member: LocalMember, ...words: string[]): Promise<string> {
  expect(recipes).toContain(words.slice(0, 2).join(' '));
  return await retried(() => etcdctl(etcd, member.clientUrl)(...words));
}

describe.each(['stable', 'next'] as const)('%s release', (release) => {
  test('defragmenting every member', async () => {
    const scene = await begin(release);
    const { operator, load, cluster } = scene;
    const writer = etcd3(cluster.endpoints[0] ?? '');
    for (let round = 0; round < 40; round += 1) {
      await writer.put('bulk').value(Buffer.alloc(100_000, round));
    }
    const { header } = await writer.put('bulk').value('');
    await writer.kv.compact({ revision: header.revision, physical: true });
    writer.close();
    for (const member of await inOrder(scene)) {
      const before = load.failures;
      await operator.drain(member.name);
      const moved = await giveUpLeadership(scene, member);
      await ask(scene, member, 'defrag');
      await ask(scene, member, 'endpoint', 'health');
      await operator.healthy(member.name);
      await operator.undrain(member.name);
      await load.everyoneServed();
      const failed = load.errors.slice(before);
      expect([member.name, moved ? beyondMove(failed) : failed]).toEqual([member.name, []]);
      const [status] = JSON.parse(
        await etcdctl(scene.etcd, member.clientUrl)('endpoint', 'status', '-w', 'json'),
      );
      expect(status.Status.dbSize).toBeLessThan(2_000_000); // 4 MB were written
    }
  }, 90_000);

  test('replacing a member', async () => {
    const scene = await begin(release);
    const { operator, load, balancer, cluster, etcd } = scene;
    const [old] = await inOrder(scene);
    const others = cluster.members.filter((member) => member !== old);
    if (old === undefined) throw new Error('no member');
    await operator.drain(old.name);
    const id = await idOf(old, others, etcd);
    const ctl = etcdctl(etcd, others.map(({ clientUrl }) => clientUrl).join());
    // Refused in the first seconds of a cluster, while its members are only just connected.
    await retried(() => ctl('member', 'remove', id));
    await old.kill();
    const place = await addMember(others, etcd, { name: old.name });
    // Under another folder: the old one's data is not for the new one.
    const elsewhere = { ...cluster, folder } as LocalCluster;
    const added = await startAdded(elsewhere, others, etcd, place);
    parts.defer(() => added.kill());
    await retried(() => etcdctl(etcd, added.clientUrl)('endpoint', 'health'));
    const socket = join(folder, 'admin.sock');
    await writeFile(join(folder, 'etcd-lb.yaml'), fileFor([...others, added], socket));
    const reload = await operator.client.post('/v1/reload');
    expect(reload).toEqual({ kind: 'applied', changed: ['endpoints'], waiting: [] });
    await operator.healthy(old.name);
    expect(await operator.member(old.name)).toMatchObject({
      endpoint: added.clientUrl,
      sessions: 0,
      drain: { since: expect.any(String) },
    });
    await operator.undrain(old.name);
    await retried(async () => {
      const { sessions } = await operator.member(old.name);
      if (sessions < clients / 3 - 1) throw new Error('it has not got its share');
    });
    await load.everyoneServed();
    expect(load.errors, balancer.history).toEqual([]);
  }, 90_000);
});

test('upgrading every member from one release to the next', async () => {
  const scene = await begin('stable');
  const { operator, load, etcd } = scene;
  const newer = await findEtcd({ release: 'next' });
  expect(newer.version).not.toBe(etcd.version);
  for (const member of await inOrder(scene)) {
    const before = load.failures;
    await operator.drain(member.name);
    const moved = await giveUpLeadership(scene, member);
    await member.kill('SIGTERM');
    await member.start(newer.etcd);
    await ask(scene, member, 'endpoint', 'health');
    await operator.healthy(member.name);
    await operator.undrain(member.name);
    await load.everyoneServed();
    const failed = load.errors.slice(before);
    expect([member.name, moved ? beyondMove(failed) : failed]).toEqual([member.name, []]);
  }
  await retried(async () => {
    const { versions } = (await operator.client.status()).cluster;
    if (versions.join() !== newer.version) throw new Error(`the members run ${versions}`);
  });
}, 90_000);
