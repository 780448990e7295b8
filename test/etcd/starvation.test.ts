/**
 * What the operating guide calls resource starvation, brought about on real members: `etcd-lb check` finds
 * it in their own figures. What would take many minutes to come about is in test/unit/diagnose/rules/figures.test.ts.
 */
import { execFile } from 'node:child_process';
import { readdir } from 'node:fs/promises';
import { promisify } from 'node:util';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { type EtcdBinary, findEtcd } from '../../src/demo/etcd-binary.ts';
import { type LocalCluster, startLocalCluster } from '../../src/demo/local-cluster.ts';
import type { Finding } from '../../src/diagnose/finding.ts';
import { Child } from '../machine/child.ts';
import { findStrace } from '../machine/programs.ts';
import { etcdLb } from '../support/balancer.ts';
import { etcd3, etcdctl, withoutRetries } from '../support/clients.ts';
import { idOf, retried } from '../support/joining-member.ts';

const run = promisify(execFile);

let etcd: EtcdBinary;
let parts: AsyncDisposableStack;
beforeEach(async () => {
  parts = new AsyncDisposableStack();
  etcd = await findEtcd();
});
afterEach(() => parts.disposeAsync());

async function startCluster(size: 1 | 3): Promise<LocalCluster> {
  return parts.use(await startLocalCluster({ etcd, size }));
}

/** `warning m0: what was seen`, one a line. */
async function check(cluster: LocalCluster): Promise<string> {
  const endpoints = cluster.members.map(({ name, clientUrl }) => `${name}=${clientUrl}`).join();
  const { stdout, stderr } = await etcdLb(['check', '--json', '--endpoints', endpoints]);
  expect(stderr).toBe('');
  const { findings } = JSON.parse(stdout) as { findings: Finding[] };
  return findings
    .map(({ severity, subject, seen }) => `${severity} ${subject}: ${seen}`)
    .join('\n');
}

test('a disk that is slow to flush the log', async () => {
  const cluster = await startCluster(1);
  const [member] = cluster.members;
  expect(await check(cluster)).not.toMatch(/writes to the log/);
  // Every flush of the log takes 20 ms longer than it does: the kernel is asked that much later.
  const strace = await findStrace();
  const delayed = 'inject=fdatasync:delay_enter=20000';
  const flags = ['-f', '-qq', '-o', '/dev/null', '-e', 'trace=fdatasync', '-e', delayed];
  const slow = new Child('strace', [strace.path, ...flags, '-p', String(member?.pid)], {
    env: strace.env,
  });
  parts.use(slow);
  const client = etcd3(cluster.endpoints);
  parts.defer(() => client.close());
  for (let index = 0; index < 150; index += 1) await client.put('key').value(index);
  expect(await check(cluster)).toMatch(
    /^warning m0: one in a hundred writes to the log took \d+ ms or more/m,
  );
}, 60_000);

test('files that run out', async () => {
  const cluster = await startCluster(1);
  const pid = String(cluster.members[0]?.pid);
  // A member that has just started closes some of what it opened, so each look sets its limit anew.
  await vi.waitFor(
    async () => {
      const limit = (await readdir(`/proc/${pid}/fd`)).length + 5;
      await run('prlimit', ['--pid', pid, `--nofile=${limit}:`]);
      const found = new RegExp(`^warning m0: files open: \\d+ of at most ${limit}$`, 'm');
      expect(await check(cluster)).toMatch(found);
    },
    { timeout: 20_000, interval: 200 },
  );
}, 60_000);

test('a leader that changes again and again', async () => {
  const cluster = await startCluster(3);
  for (let change = 0; change < 6; change += 1) {
    const leader = await cluster.leader();
    const next = cluster.members.find((member) => member !== leader);
    if (next === undefined) throw new Error('no other member');
    const id = await idOf(next, cluster.members, etcd);
    await retried(() => etcdctl(etcd, leader.clientUrl)('move-leader', id));
  }
  expect(await check(cluster)).toMatch(
    /^warning cluster: changes of the leader: \d+, counted by m/m,
  );
}, 60_000);

test('more writes than can be agreed on, and a leader that is lost with its followers', async () => {
  const cluster = await startCluster(3);
  const leader = await cluster.leader();
  const client = etcd3(leader.clientUrl, undefined, { faultHandling: withoutRetries });
  parts.defer(() => client.close());
  await client.put('key').value('before');
  const followers = cluster.members.filter((member) => member !== leader);
  await Promise.all(followers.map((member) => member.kill()));
  const writes = Array.from({ length: 150 }, (_, index) => client.put(`${index}`).value('in vain'));
  const settled = Promise.allSettled(writes);
  const meanwhile = await check(cluster);
  expect(meanwhile).toMatch(new RegExp(`^warning ${leader.name}: proposals pending: \\d{3}$`, 'm'));
  expect(meanwhile).toMatch(/^error cluster: no quorum/m);
  expect((await settled).every(({ status }) => status === 'rejected')).toBe(true);
  const after = await check(cluster);
  expect(after).toMatch(new RegExp(`^warning ${leader.name}: proposals failed: \\d+, since`, 'm'));
  expect(after).not.toMatch(/proposals pending/);
}, 60_000);
