/**
 * What the members say about themselves, and what follows for the traffic: real clusters of both
 * releases, with learners, alarms, elections and members that do not belong.
 */
import { once } from 'node:events';
import { writeFile } from 'node:fs/promises';
import net, { type AddressInfo } from 'node:net';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { type EtcdBinary, findEtcd } from '../../src/demo/etcd-binary.ts';
import {
  type LocalCluster,
  type LocalClusterOptions,
  startLocalCluster,
} from '../../src/demo/local-cluster.ts';
import type { Member } from '../../src/demo/local-member.ts';
import type { MemberReport } from '../../src/observe/status.ts';
import { Balancer, type LogLine } from '../support/balancer.ts';
import { createCertificates } from '../support/certificates.ts';
import { etcd3, etcdctl } from '../support/clients.ts';
import { addMember, startAdded } from '../support/joining-member.ts';

/** A busy machine needs more than the second that is usual. */
const patience = { timeout: 20_000 };

let parts: AsyncDisposableStack;
beforeEach(() => {
  parts = new AsyncDisposableStack();
});
afterEach(() => parts.disposeAsync());

/** What a database has to hold so that defragmenting it takes a while. */
const megabytes = 200;
const often = ['--inspect-interval', '500ms'];

async function startCluster(options: LocalClusterOptions): Promise<LocalCluster> {
  return parts.use(await startLocalCluster(options));
}

async function startBalancer(endpoints: string, ...flags: string[]): Promise<Balancer> {
  return parts.use(await Balancer.start(['--endpoints', endpoints, ...often, ...flags]));
}

function named(members: readonly { readonly name: string; readonly clientUrl: string }[]): string {
  return members.map(({ name, clientUrl }) => `${name}=${clientUrl}`).join();
}

/** Resolves when it has said who leads and knows every member. */
async function acquainted(balancer: Balancer, members: readonly string[]): Promise<void> {
  await balancer.healthy(members);
  await vi.waitUntil(
    async () => {
      const status = await balancer.status();
      return status.members.every(({ etcd, unknown }) => etcd && !unknown);
    },
    { timeout: 15_000 },
  );
}

async function memberOf(balancer: Balancer, name: string): Promise<MemberReport> {
  const member = (await balancer.status()).members.find((each) => each.name === name);
  if (member === undefined) throw new Error(`no member ${name}`);
  return member;
}

const about = (event: string, member: string) => (line: LogLine) =>
  line.event === event && line.member === member;

/** Opens so many connections, which stay until the test ends. */
async function connectTimes(balancer: Balancer, count: number): Promise<void> {
  const [, port] = balancer.address.split(':');
  for (let index = 0; index < count; index += 1) {
    const socket = net.connect(Number(port), '127.0.0.1');
    socket.on('error', () => {});
    parts.defer(() => void socket.destroy());
    await once(socket, 'connect');
  }
  await vi.waitUntil(async () => (await balancer.status()).sessions >= count, patience);
}

describe.each(['stable', 'next'] as const)('%s release', (release) => {
  let etcd: EtcdBinary;
  beforeEach(async () => {
    etcd = await findEtcd({ release });
  });

  test('members are what etcdctl says they are', async () => {
    const cluster = await startCluster({ etcd, size: 3 });
    const balancer = await startBalancer(named(cluster.members));
    await acquainted(balancer, ['m0', 'm1', 'm2']);
    const leader = await cluster.leader();
    const status = await balancer.status();
    expect(status.cluster).toMatchObject({
      ...{ leader: leader.name, quorum: 2, tolerance: 1, unseenVoters: 0, healthyVoters: 3 },
      ...{ voters: expect.arrayContaining(['m0', 'm1', 'm2']), learners: [], alarms: [] },
    });
    for (const member of cluster.members) {
      const answer = await etcdctl(etcd, member.clientUrl)('endpoint', 'status', '-w', 'json');
      const [{ Status: theirs }] = JSON.parse(answer) as [{ Status: StatusAnswer }];
      const ours = await memberOf(balancer, member.name);
      expect(ours.etcd).toMatchObject({
        memberId: hexOf(answer, 'member_id'),
        clusterId: hexOf(answer, 'cluster_id'),
        version: theirs.version,
        term: theirs.header.raft_term,
        isLearner: false,
      });
      expect(ours.etcd?.leaderId).toBe(hexOf(answer, 'leader'));
    }
    expect(await balancer.metric(`etcd_lb_member_leader{member="${leader.name}"}`)).toBe(1);
    expect(await balancer.metric('etcd_lb_cluster_fault_tolerance')).toBe(1);
  });

  test('a new leader is told of, with the term', async () => {
    const cluster = await startCluster({ etcd, size: 3 });
    const balancer = await startBalancer(named(cluster.members));
    await acquainted(balancer, ['m0', 'm1', 'm2']);
    const old = await cluster.leader();
    const from = balancer.log.length;
    await old.kill();
    const line = await balancer.logged(
      (line) => line.event === 'leader-changed' && line['leader'] !== old.name,
      from,
    );
    expect(line.msg).toMatch(/^m\d became leader, term \d+(, \d\.\d s without a leader)?$/);
    const { cluster: picture } = await balancer.status();
    expect(picture).toMatchObject({ leader: line['leader'], leaderChanges: 1 });
    await vi.waitUntil(
      async () => (await balancer.metric('etcd_lb_cluster_healthy_voters')) === 2,
      { timeout: 10_000 },
    );
    expect((await balancer.status()).cluster.tolerance).toBe(0);
    await balancer.logged(about('inspection-failing', old.name));
    await old.start();
    await balancer.logged(about('inspection-back', old.name));
    expect((await memberOf(balancer, old.name)).etcd?.leaderId).toBe(
      (await balancer.status()).members.find(({ name }) => name === line['leader'])?.etcd?.memberId,
    );
  });

  test('under the policy leader everybody goes to the leader, and to the next one', async () => {
    const cluster = await startCluster({ etcd, size: 3 });
    const balancer = await startBalancer(named(cluster.members), '--balance', 'leader');
    await acquainted(balancer, ['m0', 'm1', 'm2']);
    const old = await cluster.leader();
    await connectTimes(balancer, 5);
    expect(await memberOf(balancer, old.name)).toMatchObject({ sessions: 5 });
    const from = balancer.log.length;
    await old.kill();
    const { leader } = (await balancer.logged(
      (line) => line.event === 'leader-changed' && line['leader'] !== old.name,
      from,
    )) as { leader?: string };
    await balancer.reached(leader ?? '', 'healthy');
    await vi.waitUntil(async () => (await memberOf(balancer, leader ?? '')).acceptsNew, patience);
    await connectTimes(balancer, 5);
    expect(await memberOf(balancer, leader ?? '')).toMatchObject({ sessions: 5 });
  });

  test('with priorities the lowest class serves, and the next while it does not', async () => {
    const cluster = await startCluster({ etcd, size: 3 });
    const flags = ['--priority', 'm1=1,m2=1'];
    const balancer = await startBalancer(named(cluster.members), ...flags);
    await balancer.healthy(['m0', 'm1', 'm2']);
    await connectTimes(balancer, 4);
    expect(await memberOf(balancer, 'm0')).toMatchObject({ sessions: 4 });
    const from = balancer.log.length;
    await cluster.members[0]?.kill();
    await balancer.reached('m0', 'failed', from);
    await vi.waitUntil(
      async () => {
        const { members } = await balancer.status();
        return members.slice(1).some(({ acceptsNew }) => acceptsNew);
      },
      { timeout: 10_000 },
    );
    await connectTimes(balancer, 4);
    expect(await memberOf(balancer, 'm0')).toMatchObject({ sessions: 0 });
  });

  test('a learner gets no connection until it is promoted, without a restart', async () => {
    const cluster = await startCluster({ etcd, size: 1 });
    const [first] = cluster.members;
    if (first === undefined) throw new Error('no member');
    const learner = await startLearner(cluster, etcd);
    const flags = ['--balance', 'round-robin', '--slow-start', '0'];
    const balancer = await startBalancer(named([first, learner]), ...flags);
    await balancer.logged(about('member-unfit', 'learner'));
    expect(await memberOf(balancer, 'learner')).toMatchObject({
      ...{ acceptsNew: false, unfit: { reason: 'learner' } },
    });
    await connectTimes(balancer, 6);
    expect(await memberOf(balancer, 'learner')).toMatchObject({ sessions: 0 });
    expect((await balancer.status()).cluster).toMatchObject({
      ...{ voters: ['m0'], learners: ['learner'], quorum: 1 },
    });
    const { etcd: said } = await memberOf(balancer, 'learner');
    await vi.waitUntil(
      () =>
        etcdctl(etcd, first.clientUrl)('member', 'promote', said?.memberId ?? '').then(
          () => true,
          () => false, // it may only just have started to catch up
        ),
      { timeout: 15_000, interval: 250 },
    );
    await balancer.logged(about('member-fit', 'learner'));
    await vi.waitUntil(async () => (await memberOf(balancer, 'learner')).acceptsNew, {
      timeout: 10_000,
    });
    await connectTimes(balancer, 10);
    expect((await memberOf(balancer, 'learner')).sessions).toBeGreaterThan(0);
  });

  test('a member of another cluster is found out, loses its sessions and gets none', async () => {
    const [ours, theirs] = await Promise.all([
      startCluster({ etcd, size: 2 }),
      startCluster({ etcd, size: 1 }),
    ]);
    const [foreign] = theirs.members;
    if (foreign === undefined) throw new Error('no member');
    const endpoints = named([...ours.members, { name: 'other', clientUrl: foreign.clientUrl }]);
    const balancer = await startBalancer(endpoints, '--balance', 'round-robin');
    const line = await balancer.logged(about('member-unfit', 'other'));
    expect(line).toMatchObject({ level: 'error', reason: 'other-cluster' });
    await connectTimes(balancer, 6);
    expect(await memberOf(balancer, 'other')).toMatchObject({
      ...{ sessions: 0, acceptsNew: false, state: 'healthy' },
    });
    expect((await balancer.status()).cluster).toMatchObject({ voters: ['m0', 'm1'] });
  });

  test('a full quota keeps the pool, and is told of until it is cured', async () => {
    const extraArgs = ['--quota-backend-bytes', String(2_000_000)];
    const cluster = await startCluster({ etcd, size: 3, extraArgs });
    const balancer = await startBalancer(named(cluster.members));
    await acquainted(balancer, ['m0', 'm1', 'm2']);
    const client = etcd3(cluster.endpoints[0] ?? '');
    parts.defer(() => client.close());
    const fill = async (): Promise<void> => {
      for (;;) await client.put('filler').value(Buffer.alloc(500_000));
    };
    await expect(fill()).rejects.toThrow(/space/);
    const raised = await balancer.logged(({ event }) => event === 'alarm-raised');
    expect(raised).toMatchObject({ level: 'error', alarm: 'NOSPACE' });
    expect(raised.msg).toMatch(/etcdctl alarm disarm/);
    await connectTimes(balancer, 3);
    const status = await balancer.status();
    expect(status.mode).toBe('normal');
    expect(status.members.map(({ acceptsNew }) => acceptsNew)).toEqual([true, true, true]);
    await etcdctl(etcd, cluster.endpoints[0] ?? '')('alarm', 'disarm');
    await balancer.logged(({ event }) => event === 'alarm-cleared');
  });

  test('a member with corrupt data is withdrawn', async () => {
    const cluster = await startCluster({ etcd, size: 3 });
    const balancer = await startBalancer(named(cluster.members));
    await acquainted(balancer, ['m0', 'm1', 'm2']);
    const client = etcd3(cluster.endpoints[0] ?? '');
    parts.defer(() => client.close());
    const memberID = BigInt(`0x${(await memberOf(balancer, 'm1')).etcd?.memberId}`).toString();
    await client.maintenance.alarm({ action: 'Activate', memberID, alarm: 'Corrupt' });
    await balancer.logged(about('member-unfit', 'm1'));
    // etcd itself refuses calls on every member then; whoever is tried, it is not this one.
    const before = await memberOf(balancer, 'm1');
    const [, port] = balancer.address.split(':');
    for (let index = 0; index < 6; index += 1) {
      const socket = net.connect(Number(port), '127.0.0.1').on('error', () => {});
      parts.defer(() => void socket.destroy());
      await once(socket, 'connect');
    }
    const after = await memberOf(balancer, 'm1');
    expect(after.sessionsOpened).toBe(before.sessionsOpened);
    expect(after.unfit?.reason).toBe('corrupt');
  });

  test('mutual TLS to an address: facts are known as without', async () => {
    const { ca, server, client } = parts.use(await createCertificates());
    const tls = { ca, serverCert: server.cert, serverKey: server.key };
    const cluster = await startCluster({ etcd, size: 1, tls });
    const flags = ['--cacert', ca, '--cert', client.cert, '--key', client.key];
    const balancer = await startBalancer(named(cluster.members), ...flags);
    await acquainted(balancer, ['m0']);
    expect((await balancer.status()).cluster).toMatchObject({ leader: 'm0', voters: ['m0'] });
  });

  test('without gRPC the facts are unknown, which is said once, and clients are served', async () => {
    const cluster = await startCluster({ etcd, size: 1 });
    const wall = await startWall(cluster.members[0]?.clientPort ?? 0);
    const balancer = await startBalancer(`m0=http://127.0.0.1:${wall}`);
    await balancer.healthy(['m0']);
    const line = await balancer.logged(about('inspection-failing', 'm0'));
    expect(line.msg).toMatch(/^m0 does not answer status polls over gRPC \(.+\): /);
    const answer = await fetch(`http://${balancer.address}/version`, {
      headers: { connection: 'close' },
    });
    expect(answer.status).toBe(200);
    expect(await balancer.metric('etcd_lb_member_known{member="m0"}')).toBe(0);
    const failures = 'etcd_lb_inspections_total{member="m0",result="unknown"}';
    await vi.waitUntil(async () => ((await balancer.metric(failures)) ?? 0) > 2, {
      timeout: 10_000,
    });
    expect(balancer.log.filter(about('inspection-failing', 'm0'))).toHaveLength(1);
    expect((await memberOf(balancer, 'm0')).unknown).toBeTruthy();
  });

  test('a member that is defragmented is withdrawn meanwhile and comes back by itself', async () => {
    const cluster = await startCluster({ etcd, size: 3 });
    const client = etcd3(cluster.endpoints);
    parts.defer(() => client.close());
    const value = Buffer.alloc(1_000_000, 'x');
    for (let index = 0; index < megabytes; index += 4) {
      await Promise.all([0, 1, 2, 3].map((more) => client.put(`${index + more}`).value(value)));
    }
    const checks = ['--check-interval', '250ms', '--check-timeout', '400ms'];
    const balancer = await startBalancer(named(cluster.members), ...checks);
    await acquainted(balancer, ['m0', 'm1', 'm2']);
    const leader = await cluster.leader();
    const follower = cluster.members.find(({ name }) => name !== leader.name);
    if (follower === undefined) throw new Error('no follower');
    expect((await memberOf(balancer, follower.name)).etcd?.dbSize).toBeGreaterThan(megabytes * 1e6);
    // Without writes that it cannot apply, etcd 3.4 passes its checks meanwhile, and loses nothing.
    const toLeader = etcd3(leader.clientUrl);
    parts.defer(() => toLeader.close());
    let defragmenting = true;
    const writing = (async (): Promise<void> => {
      while (defragmenting) await toLeader.put('small').value('written meanwhile');
    })();
    const from = balancer.log.length;
    const done = etcdctl(etcd, follower.clientUrl)('defrag');
    const withdrawn = await balancer.reached(follower.name, 'suspect', from);
    expect(withdrawn).toMatchObject({ from: 'healthy' });
    await done;
    defragmenting = false;
    await writing;
    await balancer.reached(follower.name, 'healthy', balancer.log.indexOf(withdrawn));
  }, 90_000);

  test.each(['http', 'https'])(
    "etcd's own users over %s: a right password is taken, a wrong one is told, and clients are served",
    async (scheme) => {
      const certificates = parts.use(await createCertificates());
      const { ca, server, client } = certificates;
      const secure = scheme === 'https';
      const tls = { ca, serverCert: server.cert, serverKey: server.key };
      const cluster = await startCluster({ etcd, size: 1, ...(secure && { tls }) });
      const [member] = cluster.members;
      if (member === undefined) throw new Error('no member');
      const ctl = etcdctl(etcd, member.clientUrl, secure ? certificates : undefined);
      await ctl('user', 'add', 'root:secret');
      await ctl('user', 'grant-role', 'root', 'root');
      await ctl('auth', 'enable');
      const file = (name: string): string => join(cluster.folder, name);
      await Promise.all([
        writeFile(file('right'), 'secret\n'),
        writeFile(file('wrong'), 'sesame\n'),
      ]);
      const flags = (name: string): string[] => [
        ...['--user', 'root', '--password-file', file(name)],
        ...(secure ? ['--cacert', ca, '--cert', client.cert, '--key', client.key] : []),
      ];
      const right = await startBalancer(named([member]), ...flags('right'));
      await acquainted(right, ['m0']);
      const wrong = await startBalancer(named([member]), ...flags('wrong'));
      const line = await wrong.logged(about('inspection-failing', 'm0'));
      expect(line.msg).toMatch(/authentication failed/);
      expect(JSON.stringify(wrong.log)).not.toContain('sesame');
      await wrong.healthy(['m0']);
    },
  );
});

interface StatusAnswer {
  readonly version: string;
  readonly header: { readonly raft_term: number };
}

/** etcdctl prints 64-bit numbers, which JSON.parse would round. */
function hexOf(answer: string, key: string): string {
  const [, digits = ''] = new RegExp(`"${key}":(\\d+)`).exec(answer) ?? [];
  return BigInt(digits).toString(16);
}

/** Adds a learner to the cluster and starts it. */
async function startLearner(cluster: LocalCluster, etcd: EtcdBinary): Promise<Member> {
  const joining = { name: 'learner', learner: true };
  const place = await addMember(cluster.members, etcd, joining);
  const learner = await startAdded(cluster, cluster.members, etcd, place);
  parts.defer(() => learner.retire());
  return learner;
}

/** A way to the member on which HTTP/1 passes and HTTP/2, and so gRPC, does not. Returns its port. */
async function startWall(to: number): Promise<number> {
  const sockets = new Set<net.Socket>();
  const server = net.createServer((near) => {
    const far = net.connect(to, '127.0.0.1');
    for (const socket of [near, far]) {
      sockets.add(socket);
      socket.on('error', () => {});
      socket.on('close', () => {
        near.destroy();
        far.destroy();
      });
    }
    near.once('data', (first) => {
      if (first.toString('latin1').startsWith('PRI * HTTP/2')) {
        near.destroy();
        return;
      }
      far.write(first);
      near.pipe(far);
    });
    far.pipe(near);
  });
  parts.defer(() => {
    server.close();
    for (const socket of sockets) socket.destroy();
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return (server.address() as AddressInfo).port;
}
