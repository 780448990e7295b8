/** What an operator asks for with drain holds, and costs no call. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, expect, test, vi } from 'vitest';
import { AdminError } from '../../src/admin/client.ts';
import { findEtcd } from '../../src/demo/etcd-binary.ts';
import { type LocalCluster, startLocalCluster } from '../../src/demo/local-cluster.ts';
import { Balancer } from '../support/balancer.ts';
import { Load } from '../support/load.ts';
import { Operator } from '../support/operator.ts';

const patience = { timeout: 20_000, interval: 50 };
let cluster: LocalCluster;
let folder: string;
let operator: Operator;
let parts: AsyncDisposableStack;

beforeAll(async () => {
  cluster = await startLocalCluster({ etcd: await findEtcd(), size: 3 });
});
afterAll(() => cluster.stop());
beforeEach(async () => {
  await cluster.ready();
  parts = new AsyncDisposableStack();
  folder = await mkdtemp(join(tmpdir(), 'etcd-lb-drain-'));
  parts.defer(() => rm(folder, { recursive: true }));
  operator = new Operator(join(folder, 'admin.sock'));
});
afterEach(() => parts.disposeAsync());

async function start(...flags: string[]): Promise<Balancer> {
  const endpoints = cluster.members.map(({ name, clientUrl }) => `${name}=${clientUrl}`).join();
  const socket = ['--admin-socket', join(folder, 'admin.sock')];
  const args = ['--endpoints', endpoints, '--slow-start', '0', ...socket, ...flags];
  const balancer = parts.use(await Balancer.start(args));
  await balancer.healthy(['m0', 'm1', 'm2']);
  return balancer;
}

test('sessions leave without a failed call, none comes, and all that stays so over a restart of the member', async () => {
  const leader = await cluster.leader();
  const follower = cluster.members.find((member) => member !== leader);
  if (follower === undefined) throw new Error('no follower');
  const { name } = follower;
  const balancer = await start('--drain-timeout', '10s'); // who leaves has the usual time
  const load = parts.use(new Load(`http://${balancer.address}`, 24, 2));
  await load.everyoneServed();
  expect((await operator.member(name)).sessions).toBeGreaterThan(4);
  await operator.drain(name);
  const { sessionsOpened } = await operator.member(name);
  await load.everyoneServed();
  const from = balancer.log.length;
  await follower.kill();
  await balancer.reached(name, 'failed', from);
  await follower.start();
  await balancer.reached(name, 'healthy', from);
  await load.everyoneServed();
  expect(await operator.member(name)).toMatchObject({
    sessionsOpened,
    sessions: 0,
    acceptsNew: false,
  });
  expect(await balancer.metric(`etcd_lb_member_drained{member="${name}"}`)).toBe(1);
  await operator.undrain(name);
  await vi.waitUntil(async () => (await operator.member(name)).sessions >= 7, patience);
  expect(await balancer.metric(`etcd_lb_member_drained{member="${name}"}`)).toBe(0);
  // Killing a member that is no leader and has no clients concerns nobody; an election of a busy machine does,
  // of which etcd tells in its own words. No connection is cut in either case.
  expect(
    load.errors.filter((error) => !error.includes('etcdserver: ')),
    balancer.history,
  ).toEqual([]);
  const isQuiet = (await cluster.leader()) === leader;
  if (isQuiet) expect(load.errors, balancer.history).toEqual([]);
}, 60_000);

test('a drain survives the death of the balancer, and a later undrain too', async () => {
  const flags = ['--state-dir', join(folder, 'state')];
  const first = await start(...flags);
  expect((await operator.drain('m2')).warnings.join()).not.toContain('forgets');
  first.signal('SIGKILL');
  await first.exited;
  const second = await start(...flags);
  expect(await operator.member('m2')).toMatchObject({ state: 'healthy', acceptsNew: false });
  expect(second.log.find(({ event }) => event === 'drains-restored')?.msg).toContain('m2');
  await operator.undrain('m2');
  second.signal('SIGKILL');
  await second.exited;
  await start(...flags);
  expect(await operator.member('m2')).toMatchObject({ acceptsNew: true });
});

test('without a state directory the answer says that it will be forgotten', async () => {
  await start();
  expect((await operator.drain('m2')).warnings).toContain(
    'A restart of etcd-lb forgets the drain, since there is no --state-dir to keep it in.',
  );
});

test('a member is known by its address and id too, and a wrong name gets the nearest', async () => {
  await start();
  const [m0] = cluster.members;
  const { etcd } = await vi.waitUntil(async () => {
    const member = await operator.member('m1');
    return member.etcd && { etcd: member.etcd };
  }, patience);
  const drain = (who: string) => operator.client.post(`/v1/members/${who}/drain`);
  expect(await drain(new URL(m0?.clientUrl ?? '').host)).toMatchObject({ member: 'm0' });
  expect(await drain(etcd?.memberId ?? '')).toMatchObject({ member: 'm1' });
  await expect(drain('mm2')).rejects.toThrow('mm2 is not a member; did you mean m2?');
});

test('the last member that can be used is drained by force only, and then nobody is served', async () => {
  const balancer = await start();
  await operator.drain('m0');
  await operator.drain('m1');
  const refused = operator.drain('m2');
  await expect(refused).rejects.toThrow(AdminError);
  await expect(refused).rejects.toThrow(/m2 is the last member that can be used.*--force\.$/);
  expect(await operator.member('m2')).toMatchObject({ acceptsNew: true });
  await operator.drain('m2', { force: true });
  const line = await balancer.logged(({ event, to }) => event === 'mode-changed' && to === 'panic');
  expect(line.msg).toContain('nothing goes to m0, m1, m2, drained by an operator');
  await expect(operator.undrain('m9')).rejects.toThrow('m9 is not a member');
  await operator.undrain('m2');
  await expect(operator.undrain('m2')).rejects.toThrow('m2 is not drained.');
});

test('whoever drains a leader that is to lead on is told so', async () => {
  const balancer = await start();
  const { leader } = await balancer.logged(({ event }) => event === 'leader-changed');
  const { warnings } = await operator.drain(String(leader), { keepLeader: true });
  expect(warnings.join()).toContain(
    `${leader} leads the cluster: before you stop or defragment it`,
  );
});
