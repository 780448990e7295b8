/**
 * Members that come and go: real clusters of both releases that grow, shrink and are replaced under load,
 * and a real name server whose records change.
 */
import { execFile } from 'node:child_process';
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { type EtcdBinary, findEtcd } from '../../src/demo/etcd-binary.ts';
import { type LocalCluster, startLocalCluster } from '../../src/demo/local-cluster.ts';
import type { LocalMember, Member } from '../../src/demo/local-member.ts';
import { Dnsmasq } from '../machine/dnsmasq.ts';
import { SlowRelay } from '../machine/slow-relay.ts';
import { Balancer, etcdLb, type LogLine } from '../support/balancer.ts';
import { etcdctl } from '../support/clients.ts';
import { addMember, idOf, type Joining, retried, startAdded } from '../support/joining-member.ts';
import { Load } from '../support/load.ts';

/** A busy machine needs more than the second that is usual. */
const patience = { timeout: 20_000 };

const run = promisify(execFile);

let parts: AsyncDisposableStack;
let folder: string;
beforeEach(async () => {
  parts = new AsyncDisposableStack();
  folder = await mkdtemp(join(tmpdir(), 'etcd-lb-members-'));
  parts.defer(() => rm(folder, { recursive: true, force: true }));
});
afterEach(() => parts.disposeAsync());

/** Who is removed has the usual time to leave, and every end of a session is told. */
const follow = [
  ...['--discovery', 'members', '--inspect-interval', '500ms'],
  ...['--drain-timeout', '10s', '--log-level', 'debug'],
];
/** Without etcd's five seconds between two changes of the membership. */
const atOnce = ['--strict-reconfig-check=false'];

const about = (event: string, member: string) => (line: LogLine) =>
  line.event === event && line.member === member;

/** Resolves when the members are exactly these, all healthy. */
async function consistsOf(balancer: Balancer, names: readonly string[]): Promise<void> {
  const expected = names.map((name) => `${name} healthy`).sort();
  await vi
    .waitUntil(
      async () => {
        const { members } = await balancer.status();
        const now = members.map(({ name, state }) => `${name} ${state}`).sort();
        return now.join() === expected.join();
      },
      { timeout: 20_000 },
    )
    .catch(async () => {
      const { members } = await balancer.status();
      const now = members.map(({ name, state, endpoint }) => `${name} ${state} ${endpoint}`);
      throw new Error(`not ${expected.join()}, but ${now.join()}\n${balancer.history}`);
    });
}

/** Did a connection end under a call? What etcd itself answers has its own words. */
function isCut(error: string): boolean {
  return !/etcdserver: |raft: stopped/.test(error);
}

async function grow(
  cluster: LocalCluster,
  all: readonly LocalMember[],
  etcd: EtcdBinary,
  joining: Joining,
): Promise<Member> {
  const place = await addMember(all, etcd, joining);
  const member = await startAdded(cluster, all, etcd, place, joining);
  parts.defer(() => member.retire());
  return member;
}

async function remove(
  member: LocalMember,
  rest: readonly LocalMember[],
  etcd: EtcdBinary,
): Promise<void> {
  const id = await idOf(member, rest, etcd);
  const ctl = etcdctl(etcd, rest.map(({ clientUrl }) => clientUrl).join());
  await retried(() => ctl('member', 'remove', id));
}

describe.each(['stable', 'next'] as const)('%s release', (release) => {
  let etcd: EtcdBinary;
  beforeEach(async () => {
    etcd = await findEtcd({ release });
  });

  async function start(size: 1 | 3, ...flags: string[]) {
    const cluster = parts.use(await startLocalCluster({ etcd, size, extraArgs: atOnce }));
    const [first] = cluster.members;
    if (first === undefined) throw new Error('no member');
    const endpoints = ['--endpoints', `${first.name}=${first.clientUrl}`];
    const balancer = parts.use(await Balancer.start([...endpoints, ...follow, ...flags]));
    return { cluster, first, balancer };
  }

  test('from one endpoint all members are found, and followed when they come and go', async () => {
    const { cluster, balancer } = await start(3);
    await consistsOf(balancer, ['m0', 'm1', 'm2']);
    const added = await grow(cluster, cluster.members, etcd, { name: 'm3' });
    await consistsOf(balancer, ['m0', 'm1', 'm2', 'm3']);
    const [, second] = cluster.members;
    if (second === undefined) throw new Error('no member');
    await remove(second, [added], etcd);
    await balancer.logged(about('member-left', second.name));
    await consistsOf(balancer, ['m0', 'm2', 'm3']);
    await vi.waitUntil(
      async () => (await balancer.metric('etcd_lb_sessions{member="m1"}')) === undefined,
      patience,
    );
  });

  test('a member that was never started is known, and a learner used once it is promoted', async () => {
    const { cluster, first, balancer } = await start(1);
    await consistsOf(balancer, ['m0']);
    const place = await addMember(cluster.members, etcd, { name: 'm1', learner: true });
    await vi.waitUntil(async () => (await balancer.status()).cluster.unstarted.length === 1, {
      timeout: 10_000,
    });
    await consistsOf(balancer, ['m0']);
    const learner = await startAdded(cluster, cluster.members, etcd, place);
    parts.defer(() => learner.retire());
    const joined = await balancer.logged(about('member-joined', 'm1'));
    expect(joined.msg).toMatch(/\(a learner\)$/);
    await balancer.reached('m1', 'healthy');
    expect((await balancer.status()).members[1]).toMatchObject({
      ...{ name: 'm1', acceptsNew: false, unfit: { reason: 'learner' }, sessions: 0 },
    });
    const id = await idOf(learner, [first], etcd);
    await retried(() => etcdctl(etcd, first.clientUrl)('member', 'promote', id));
    await balancer.logged(about('member-fit', 'm1'));
  });

  test('all members are replaced one by one under load, and no request fails for it', async () => {
    // What is moved to balance is tested elsewhere.
    const { cluster, balancer } = await start(3, '--rebalance', '0');
    await consistsOf(balancer, ['m0', 'm1', 'm2']);
    await using load = new Load(balancer.address, 40, 25);
    await load.everyoneServed();
    let all: LocalMember[] = [...cluster.members];
    for (const old of cluster.members) {
      const name = old.name.replace('m', 'n');
      const before = load.failures;
      all.push(await grow(cluster, all, etcd, { name }));
      await balancer.reached(name, 'healthy');
      await load.everyoneServed();
      expect(load.errors.slice(before).filter(isCut)).toEqual([]);
      const rest = all.filter((each) => each !== old);
      // As an operator would: who leaves does not lead.
      if ((await balancer.status()).cluster.leader === old.name) {
        const target = await idOf(rest[0] as LocalMember, rest, etcd);
        await retried(() => etcdctl(etcd, old.clientUrl)('move-leader', target));
      }
      await remove(old, rest, etcd);
      await balancer.logged(about('member-left', old.name));
      all = rest;
      await load.everyoneServed();
    }
    await consistsOf(balancer, ['n0', 'n1', 'n2']);
    await load.everyoneServed();
    expect(load.successes).toBeGreaterThan(100);
    // etcd ends itself, with its calls, when it is removed, and is seen to have failed. A client that
    // was about to ask then resets what is left of its connection.
    const failed = balancer.log.flatMap(({ to, member }) => (to === 'failed' ? [member] : []));
    const endedByRemoved = balancer.log.filter(
      ({ msg, member = '', reason }) =>
        msg === 'session ended' &&
        member.startsWith('m') &&
        (/^member-|^client-reset/.test(String(reason)) || failed.includes(member)),
    );
    expect(load.errors.filter(isCut).length).toBeLessThanOrEqual(endedByRemoved.length);
    const closedByUs = balancer.log.filter(({ event }) => event === 'sessions-removed');
    expect(closedByUs).toEqual([]);
  }, 90_000);

  test('what nobody can reach is not used: the endpoint is, and the log says what to change', async () => {
    const cluster = parts.use(await startLocalCluster({ etcd, size: 3, extraArgs: atOnce }));
    const [first] = cluster.members;
    if (first === undefined) throw new Error('no member');
    // A second one that claims to be where the first is.
    const liar = await grow(cluster, cluster.members, etcd, {
      ...{ name: 'liar', advertises: first.clientUrl },
    });
    const endpoints = `m0=${first.clientUrl},liar=${liar.clientUrl}`;
    const balancer = parts.use(await Balancer.start(['--endpoints', endpoints, ...follow]));
    const line = await balancer.logged(about('member-misadvertised', 'liar'));
    expect(line.msg).toBe(
      `liar advertises no client URL that can be used (${first.clientUrl} is the address of m0): it is used at ${new URL(liar.clientUrl).host}; start that etcd with --advertise-client-urls that clients on other hosts can reach`,
    );
    await consistsOf(balancer, ['m0', 'm1', 'm2', 'liar']);
  });

  test('the last good list serves a restart while the endpoint is gone', async () => {
    const { cluster, first, balancer } = await start(3, '--state-dir', folder);
    await consistsOf(balancer, ['m0', 'm1', 'm2']);
    const file = join(folder, 'members.json');
    await vi.waitFor(async () => expect(await readFile(file, 'utf8')).toContain('"m2"'), patience);
    await balancer.stop();
    await first.kill();
    const flags = ['--endpoints', first.clientUrl, ...follow, '--state-dir', folder];
    const again = parts.use(await Balancer.start(flags));
    expect(again.log.map(({ event }) => event)).toContain('state-used');
    await again.healthy(['m1', 'm2']);
    await etcdctl(etcd, again.address)('put', 'key', 'value');
    await again.stop();
    await writeFile(file, (await readFile(file, 'utf8')).slice(0, -30));
    const third = parts.use(await Balancer.start(flags));
    const line = await third.logged(({ event }) => event === 'state-failing');
    expect(line.msg).toMatch(
      /members\.json cannot be used \(.*JSON.*\): the start goes on without it/,
    );
    await cluster.members[0]?.start();
    await consistsOf(third, [new URL(first.clientUrl).host, 'm1', 'm2']);
    await vi.waitFor(async () => JSON.parse(await readFile(file, 'utf8')), patience);
  });

  test('a full state directory is told of, changes nothing else, and is written once there is room', async () => {
    const disk = await smallDisk();
    const ballast = join(disk, 'ballast');
    await writeFile(ballast, Buffer.alloc(16_384)).catch(() => {}); // until it is full
    const { cluster, balancer } = await start(3, '--state-dir', disk);
    const line = await balancer.logged(({ event }) => event === 'state-failing');
    expect(line.msg).toMatch(/cannot be saved in .*members\.json \(ENOSPC/);
    const added = await grow(cluster, cluster.members, etcd, { name: 'm3' });
    await consistsOf(balancer, ['m0', 'm1', 'm2', 'm3']);
    await etcdctl(etcd, balancer.address)('put', 'key', 'value');
    await rm(ballast);
    await balancer.logged(({ event }) => event === 'state-back');
    expect(await readFile(join(disk, 'members.json'), 'utf8')).toContain(added.clientUrl);
  });
});

/** An empty disk of four pages. */
async function smallDisk(): Promise<string> {
  const disk = join(folder, 'disk');
  await mkdir(disk);
  await run('mount', ['-t', 'tmpfs', '-o', 'size=16k', 'none', disk]);
  parts.defer(async () => void (await run('umount', [disk])));
  return disk;
}

describe('names', () => {
  let etcd: EtcdBinary;
  beforeEach(async () => {
    etcd = await findEtcd();
  });

  /** A slow relay in front of each member: on these hosts, the first port being that of all if they differ. */
  async function relaysTo(cluster: LocalCluster, hosts: readonly string[]): Promise<SlowRelay[]> {
    const relays: SlowRelay[] = [];
    for (const [index, host] of hosts.entries()) {
      const port = new Set(hosts).size > 1 ? (relays[0]?.port ?? 0) : 0;
      const memberPort = cluster.members[index]?.clientPort ?? 0;
      relays.push(parts.use(await SlowRelay.start(memberPort, { host, port })));
    }
    return relays;
  }

  /**
   * Were calls cut that the balancer could see were under way? Only of sessions whose time was over: the
   * client's answer to a ping looks like a question, so some are never seen to rest. (A client may also ask
   * in the very moment of a close, which nobody can see coming.)
   */
  function expectNoneCutBefore(balancer: Balancer, relays: readonly SlowRelay[]): void {
    const overdue = balancer.log
      .filter(({ event }) => event === 'sessions-removed')
      .reduce((sum, { sessions }) => sum + Number(sessions), 0);
    const cut = relays.reduce((sum, relay) => sum + relay.cut, 0);
    expect(cut, balancer.history).toBeLessThanOrEqual(overdue);
    expect(overdue).toBeLessThan(6);
  }

  test('a name with several addresses is several members, at the time to live of its record', async () => {
    const cluster = parts.use(await startLocalCluster({ etcd, size: 3 }));
    const [one, two, three] = ['127.0.1.1', '127.0.1.2', '127.0.1.3'] as const;
    const relays = await relaysTo(cluster, [one, two, three]);
    const port = relays[0]?.port;
    const records = (...some: string[]) =>
      some.map((address) => `host-record=etcd.test,${address}`);
    const dns = parts.use(await Dnsmasq.start(folder, records(one, two)));
    const flags = ['--endpoints', `http://etcd.test:${port}`, '--drain-timeout', '10s'];
    const balancer = parts.use(await Balancer.start([...flags, '--rebalance', '0'], dns.prefix));
    const names = (...some: string[]) => some.map((address) => `etcd.test:${port}/${address}`);
    await consistsOf(balancer, names(one, two));
    await using load = new Load(balancer.address, 24, 2); // none of them is ever quiet
    await load.everyoneServed();
    const left = balancer.log.length;
    await dns.serve(records(two, three));
    await consistsOf(balancer, names(two, three));
    await balancer.logged(about('member-left', `etcd.test:${port}/${one}`), left);
    await vi.waitUntil(async () => (await balancer.status()).leaving.length === 0, {
      timeout: 15_000,
    });
    expectNoneCutBefore(balancer, relays);
    await dns.serve(records(two));
    await balancer.logged(about('member-left', `etcd.test:${port}/${three}`), left);
    await consistsOf(balancer, names(two));
    await vi.waitUntil(async () => (await balancer.status()).leaving.length === 0, {
      timeout: 15_000,
    });
    expectNoneCutBefore(balancer, relays);
    expect(load.errors).toEqual([]);
    await dns.stop();
    await balancer.logged(({ event }) => event === 'names-failing');
    await load.everyoneServed();
    await dns.serve(records(two, three));
    await balancer.logged(({ event }) => event === 'names-back');
    await consistsOf(balancer, names(two, three));
    await load.everyoneServed();
  }, 90_000);

  test('members of a domain, with priority and weight, and a domain that has none', async () => {
    const cluster = parts.use(await startLocalCluster({ etcd, size: 3 }));
    const relays = await relaysTo(cluster, Array(3).fill('127.0.0.1'));
    const name = (index: number) => `m${index}.etcd.test:${relays[index]?.port}`;
    const record = (index: number, priority: number, weight = 0) => [
      `host-record=m${index}.etcd.test,127.0.0.1`,
      `srv-host=_etcd-client._tcp.etcd.test,m${index}.etcd.test,${relays[index]?.port},${priority},${weight}`,
    ];
    const dns = parts.use(await Dnsmasq.start(folder, []));
    const flags = ['--discovery-srv', 'etcd.test', '--state-dir', folder, '--drain-timeout', '10s'];
    const balancer = parts.use(await Balancer.start(flags, dns.prefix));
    const line = await balancer.logged(({ event }) => event === 'discovery-failing');
    expect(line.msg).toBe(
      'the SRV records of etcd.test name no member (_etcd-client-ssl._tcp.etcd.test does not exist, _etcd-client._tcp.etcd.test does not exist): no member is known until they do, so every client is turned away; check --discovery-srv and the name server',
    );
    expect((await fetch(`${balancer.observeUrl}/readyz`)).status).toBe(503);
    await dns.serve([...record(0, 10), ...record(1, 20, 5)]);
    await balancer.logged(({ event }) => event === 'discovery-back');
    await consistsOf(balancer, [name(0), name(1)]);
    await using load = new Load(balancer.address, 4, 90);
    await load.everyoneServed();
    // The lowest class serves alone.
    expect((await balancer.status()).members.map(({ sessions }) => sessions)).toEqual([4, 0]);
    await dns.serve([...record(1, 30, 5), ...record(2, 20, 5)]);
    await balancer.logged(about('member-left', name(0)));
    await consistsOf(balancer, [name(1), name(2)]);
    await load.everyoneServed();
    // Who stayed has the class that its record names now.
    const opened = async (): Promise<number[]> =>
      (await balancer.status()).members.map(({ sessionsOpened }) => sessionsOpened);
    const [before, joined = 0] = await opened();
    await using more = new Load(balancer.address, 4, 90);
    await more.everyoneServed();
    const [after, taken = 0] = await opened();
    expect(after).toBe(before);
    expect(taken).toBeGreaterThanOrEqual(joined + 4);
    await dns.serve([]);
    await balancer.logged(
      ({ event, msg }) => event === 'discovery-failing' && msg.endsWith('the known members stay'),
    );
    await load.everyoneServed();
    expectNoneCutBefore(balancer, relays);
  }, 90_000);

  test('etcd-lb check asks the members of a domain, and refuses one that has none', async () => {
    const cluster = parts.use(await startLocalCluster({ etcd, size: 1 }));
    const record = (target: string) =>
      `srv-host=_etcd-client._tcp.etcd.test,${target},${cluster.members[0]?.clientPort},0,0`;
    const records = ['host-record=m0.etcd.test,127.0.0.1', record('m0.etcd.test')];
    const dns = parts.use(await Dnsmasq.start(folder, records));
    const check = (domain: string) =>
      etcdLb(['check', '--discovery-srv', domain, '--json'], {}, dns.prefix);
    const found = await check('etcd.test');
    expect(found.stdout).toContain('a single member');
    const none = await check('other.test');
    expect([none.code, none.stdout]).toEqual([3, '']);
    expect(none.stderr).toBe(
      'etcd-lb: --discovery-srv: _etcd-client-ssl._tcp.other.test does not exist, _etcd-client._tcp.other.test does not exist; write a domain whose SRV records name etcd members.\n',
    );
  });
});
