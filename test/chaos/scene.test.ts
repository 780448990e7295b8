/** What a scene can break is broken, and mended again: with real members in namespaces. */
import { execFile } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { Agent } from 'node:http';
import { Agent as SecureAgent } from 'node:https';
import { connect } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest';
import { findEtcd } from '../../src/demo/etcd-binary.ts';
import { now } from './clients/record.ts';
import { answerOf, ask, callerFrom, open } from './scene/ask.ts';
import type { Answer, ChaosMember, Mend } from './scene/cluster.ts';
import type { EtcdMember } from './scene/member.ts';
import { Reference } from './scene/reference.ts';
import { type NamespaceCluster, startCluster } from './scene/start.ts';
import { Truth } from './scene/truth.ts';

const run = promisify(execFile);
const base64 = (plain: string) => Buffer.from(plain).toString('base64');

/** As the balancer asks: from whichever address the machine chooses. */
async function asBalancer(
  { certificates }: NamespaceCluster,
  { clientUrl }: ChaosMember,
  path = '/version',
  body?: string,
  patience = 400,
): Promise<Answer> {
  return await ask(callerFrom(undefined, certificates), `${clientUrl}${path}`, { body, patience });
}

function at(cluster: NamespaceCluster, index: number): EtcdMember {
  const member = cluster.members[index];
  if (member === undefined) throw new Error(`There is no member ${index}.`);
  return member;
}

async function put(cluster: NamespaceCluster, key: string, value: string): Promise<number> {
  const body = JSON.stringify({ key: base64(key), value: base64(value) });
  const member = cluster.members.find(({ state }) => state === 'running') ?? at(cluster, 0);
  const { text } = await cluster.ask(member, '/v3/kv/put', body, 10_000);
  return Number((JSON.parse(text) as { header: { revision: string } }).header.revision);
}

/** Mended at the end of the test at the latest, so that what fails leaves the others a whole cluster. */
async function mended(breaking: Promise<Mend>): Promise<Mend> {
  const mend = await breaking;
  onTestFinished(mend);
  return mend;
}

async function took(act: () => Promise<unknown>): Promise<number> {
  const begun = now();
  await act();
  return now() - begun;
}

async function until(what: string, look: () => Promise<boolean> | boolean): Promise<void> {
  for (const deadline = now() + 10_000; now() < deadline; await delay(25)) if (await look()) return;
  throw new Error(`Waited 10 s in vain: ${what}`);
}

/** Does this member know a leader? */
async function follows(cluster: NamespaceCluster, member: ChaosMember): Promise<boolean> {
  const { text } = await cluster.ask(member, '/v3/maintenance/status', '{}', 3_000);
  return ((JSON.parse(text) as { leader?: string }).leader ?? '0') !== '0';
}

function roleOf(cluster: NamespaceCluster, truth: Truth) {
  const leader = cluster.members.find(({ name }) => name === truth.leaderAt(now()));
  const follower = cluster.members.find(
    ({ state, name }) => state === 'running' && name !== leader?.name,
  );
  if (!leader || !follower) throw new Error('Nobody leads.');
  return { leader, follower };
}

async function namespaces(): Promise<readonly string[]> {
  const { stdout } = await run('ip', ['netns', 'list']);
  return stdout.split('\n').filter((line) => line.startsWith(`elbc${process.pid}n`));
}

for (const [release, tls] of [
  ['stable', false],
  ['next', true],
] as const) {
  describe(`a cluster (etcd ${release}, ${tls ? 'mutual TLS' : 'plain'})`, () => {
    let cluster: NamespaceCluster;
    let truth: Truth;

    beforeAll(async () => {
      const etcd = await findEtcd({ release });
      cluster = await startCluster({ etcd, size: 3, tls, onProgress: console.log });
      truth = new Truth(cluster);
      truth.start();
      await until('a leader', () => truth.leaderAt(now()) !== undefined);
    });

    afterAll(async () => {
      truth.stop();
      await cluster[Symbol.asyncDispose]();
      expect(await namespaces()).toEqual([]);
      expect(existsSync(cluster.folder)).toBe(false);
    });

    test('the machine connects from the address of the balancer', async () => {
      const { hostname, port } = new URL(at(cluster, 0).clientUrl);
      const socket = connect({ host: hostname, port: Number(port) });
      await once(socket, 'connect');
      expect(socket.localAddress).toBe(cluster.balancerAddress);
      socket.destroy();
    });

    test('a cut takes the balancer from a member and leaves it the harness', async () => {
      const member = at(cluster, 0);
      const mends = await Promise.all([
        mended(cluster.cut(member, 'balancer', 'in', 'drop')),
        mended(cluster.cut(member, 'balancer', 'both', 'drop')),
      ]);
      for (const mend of mends) {
        await expect(asBalancer(cluster, member)).rejects.toThrow();
        expect((await cluster.ask(member, '/health')).status).toBe(200);
        expect((await asBalancer(cluster, at(cluster, 1))).status).toBe(200);
        await mend();
        await mend();
      }
      expect((await asBalancer(cluster, member)).status).toBe(200);
    });

    test.each(['in', 'out'] as const)(
      'a cut of one direction (%s) lets the other pass',
      async (way) => {
        const member = at(cluster, 0);
        // One connection, so that no handshake is lost.
        const options = { keepAlive: true, maxSockets: 1 };
        const agent = tls ? new SecureAgent(options) : new Agent(options);
        const caller = callerFrom(undefined, cluster.certificates);
        onTestFinished(() => agent.destroy());
        // Each way has its own: what was kept back arrives once the cut is mended.
        const key = `/way/${way}`;
        const write = async (value: string) => {
          const signal = AbortSignal.timeout(2_000);
          const body = JSON.stringify({ key: base64(key), value: base64(value) });
          await answerOf(
            await open(`${member.clientUrl}/v3/kv/put`, { ...caller, agent, signal }, body),
          );
        };
        await write('before');
        const mend = await mended(cluster.cut(member, 'balancer', way, 'drop'));
        await expect(write(way)).rejects.toThrow();
        const reference = new Reference(cluster, key, 1);
        expect((await reference.readAll()).get(key)).toBe(way === 'in' ? 'before' : 'out');
        await mend();
      },
    );

    test.each(['in', 'out', 'both'] as const)('a reset (%s) breaks connections', async (way) => {
      const member = at(cluster, 0);
      const { hostname, port } = new URL(member.clientUrl);
      const socket = connect({ host: hostname, port: Number(port) });
      onTestFinished(() => void socket.destroy());
      await once(socket, 'connect');
      const mend = await mended(cluster.cut(member, 'balancer', way, 'reset'));
      const broken = new Promise<Error>((resolve) => socket.once('error', resolve));
      socket.write('G');
      expect(await took(() => broken)).toBeLessThan(1_000);
      expect(await broken).toMatchObject({ code: 'ECONNRESET' });
      if (way !== 'out') {
        await expect(asBalancer(cluster, member)).rejects.toThrow(/ECONNREFUSED|ECONNRESET/);
      }
      expect((await cluster.ask(member, '/version')).status).toBe(200);
      await mend();
      expect((await asBalancer(cluster, member)).status).toBe(200);
    });

    test('lossy takes longer and passes', async () => {
      const member = at(cluster, 0);
      const mend = await mended(cluster.cut(member, 'balancer', 'out', 'lossy'));
      const ask = () => asBalancer(cluster, member, '/version', undefined, 20_000);
      const times = await Promise.all(Array.from({ length: 8 }, () => took(ask)));
      expect(Math.max(...times)).toBeGreaterThan(150);
      await mend();
      expect(await took(ask)).toBeLessThan(150);
    });

    test.each(['in', 'out'] as const)('without peers (%s) there is no leader', async (way) => {
      const { leader, follower } = roleOf(cluster, truth);
      const member = way === 'in' ? follower : leader;
      const mend = await mended(cluster.cut(member, 'peers', way, 'drop'));
      if (way === 'in') {
        await until('it has no leader', async () => !(await follows(cluster, member)));
        expect(truth.leaderAt(now())).toBe(leader.name);
      } else {
        await until(
          'another leads',
          () => ![undefined, leader.name].includes(truth.leaderAt(now())),
        );
      }
      expect((await asBalancer(cluster, member)).status).toBe(200);
      await mend();
      await cluster.ready();
    });

    test('slow is slow for the balancer only', async () => {
      const member = at(cluster, 0);
      await put(cluster, '/large', 'x'.repeat(300_000));
      const body = JSON.stringify({ key: base64('/large') });
      const read = () => took(() => asBalancer(cluster, member, '/v3/kv/range', body, 9_000));
      const mends = [
        await mended(cluster.slow(member, 200)),
        await mended(cluster.slow(member, 2_000)),
      ];
      const [slow, own] = await Promise.all([
        read(),
        took(() => cluster.ask(member, '/v3/kv/range', body)),
      ]);
      // 400 kB as base64.
      expect(slow).toBeGreaterThan(1_000);
      expect(slow).toBeLessThan(4_000);
      expect(own).toBeLessThan(500);
      for (const mend of mends) await mend();
      expect(await read()).toBeLessThan(500);
    });

    test('slow disks make a write wait, also after a start', async () => {
      const slowed = [at(cluster, 0), at(cluster, 1)];
      const mends = await Promise.all(
        slowed.map((member) => mended(cluster.slowDisk(member, 300))),
      );
      await at(cluster, 1).kill();
      await at(cluster, 1).start();
      await cluster.ready();
      expect(await took(() => put(cluster, '/disk', 'slow'))).toBeGreaterThan(250);
      for (const mend of mends) await mend();
      await cluster.ready();
      expect(await took(() => put(cluster, '/disk', 'fast'))).toBeLessThan(250);
    });

    test('the truth sees a leader go and another come', async () => {
      const { leader } = roleOf(cluster, truth);
      const from = now();
      await leader.kill();
      expect(leader.state).toBe('stopped');
      await until('another leads', () => ![undefined, leader.name].includes(truth.leaderAt(now())));
      const then = now();
      expect(truth.leaderAt(from)).toBe(leader.name);
      expect(truth.leaderless(from, then)).toBeGreaterThan(200);
      expect(truth.leaderless(from, then)).toBeLessThan(then - from);
      await leader.start();
      await cluster.ready();
      expect(truth.answersOf(leader.name).at(-1)).toBeGreaterThan(0);
      const hung = roleOf(cluster, truth).leader;
      hung.pause();
      expect(hung.state).toBe('paused');
      expect(
        await took(() => until('it does not lead', () => truth.leaderAt(now()) !== hung.name)),
      ).toBeLessThan(350);
      await expect(cluster.ask(hung, '/version', undefined, 200)).rejects.toThrow();
      hung.resume();
      await cluster.ready();
    });

    test('the reference has all that was written, over a compaction', async () => {
      const first = await put(cluster, '/ref/a', '1');
      const reference = new Reference(cluster, '/ref/', first);
      await put(cluster, '/other', '1');
      await put(cluster, '/ref/b', 'ü'.repeat(200_000));
      const range = JSON.stringify({ key: base64('/ref/a') });
      await cluster.ask(at(cluster, 0), '/v3/kv/deleterange', range);
      const middle = await reference.currentRevision();
      await reference.collect(middle);
      const compaction = JSON.stringify({ revision: middle, physical: true });
      await cluster.ask(at(cluster, 0), '/v3/kv/compaction', compaction);
      for (let index = 0; index < 20; index += 1)
        await put(cluster, '/ref/c', 'x'.repeat(400_000 + index));
      const last = await put(cluster, '/other', '2');
      await reference.collect(last);
      expect(reference.events.slice(0, 3)).toMatchObject([
        { revision: first, type: 'put', key: '/ref/a', value: '1' },
        { revision: first + 2, type: 'put', key: '/ref/b', value: 'ü'.repeat(200_000) },
        { revision: first + 3, type: 'delete', key: '/ref/a', value: '' },
      ]);
      expect(reference.events.map(({ value }) => value.length).slice(3)).toEqual(
        Array.from({ length: 20 }, (_, index) => 400_000 + index),
      );
      expect([...(await reference.readAll()).keys()]).toEqual(['/ref/b', '/ref/c']);
      await expect(new Reference(cluster, '/ref/', first).collect(last)).rejects.toThrow(
        /compacted/,
      );
    });

    test('members come, are promoted, replaced and go', async () => {
      const learner = await cluster.add({ learner: true });
      expect(learner).toMatchObject({ name: 'm3', isLearner: true, state: 'running' });
      await cluster.ready();
      await cluster.promote(learner);
      expect(learner.isLearner).toBe(false);
      const { leader } = roleOf(cluster, truth);
      const heir = await cluster.replace(leader);
      expect(heir).toMatchObject({ name: 'm4', clientUrl: leader.clientUrl });
      expect(leader.state).toBe('removed');
      // A voter that has not caught up is none: without it, and without another, there is no quorum.
      await cluster.ready();
      await cluster.remove(learner);
      await cluster.ready();
      const { text } = await cluster.ask(heir, '/v3/cluster/member/list', '{}');
      const listed = (JSON.parse(text) as { members: { ID: string }[] }).members;
      const left = cluster.members.filter(({ state }) => state !== 'removed');
      expect(listed.map(({ ID }) => ID).sort()).toEqual(left.map(({ id }) => id).sort());
      expect(left).toHaveLength(3);
      expect((await asBalancer(cluster, heir)).status).toBe(200);
    });
  });
}
