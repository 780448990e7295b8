/** The guard with a leader's heartbeat over real TCP, and polls that are answered by script. */
import { once } from 'node:events';
import net, { type AddressInfo, type Socket } from 'node:net';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { LiveSettings } from '../../../src/config/live-settings.ts';
import type { ClusterView } from '../../../src/etcd/status/cluster-view.ts';
import { LeaderGuard } from '../../../src/leader/guard.ts';
import type { CurrentHold, EndedHold } from '../../../src/leader/hold-status.ts';
import type { Questions } from '../../../src/leader/questions.ts';
import type { Member } from '../../../src/members/member.ts';
import { lookup } from '../../support/lookup.ts';
import { aMember } from '../../support/members.ts';

const patience = { timeout: 20_000, interval: 5 };
const noTls = {};

let server: net.Server;
let accepted: Socket[];
/** What the listener at m0 does with a heartbeat. */
let answers: boolean;
let members: Member[];
/** The name of the member that leads, by what all say, and its term. */
let leads: { name: string; term: number };
/** What comes of a linearizable read. */
let reads: () => Promise<void>;
let settings: LiveSettings<{ hold: number; inspectInterval: number }>;
let begun: CurrentHold[];
let ended: EndedHold[];
let unresponsive: string[];
let guard: LeaderGuard;
let stopping: AbortController;

beforeEach(async () => {
  accepted = [];
  answers = true;
  server = net.createServer((socket) => {
    accepted.push(socket);
    socket.on('error', () => {});
    socket.on('data', () => {
      if (answers) socket.write('HTTP/1.1 200 OK\r\n\r\n');
    });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  members = ['m0', 'm1', 'm2'].map((name) => aMember(name, { port }));
  leads = { name: 'm0', term: 1 };
  reads = () => new Promise(() => {});
  settings = new LiveSettings({ hold: 4_000, inspectInterval: 5_000 });
  [begun, ended, unresponsive] = [[], [], []];
  guard = new LeaderGuard({
    ...{ settings, lookup, tls: () => noTls, isSelf: () => false },
    members: () => members,
    cluster: { view: { clusterId: 'c', voters: ['m0', 'm1', 'm2'] } as unknown as ClusterView },
    open: questionsTo,
    quietFor: () => 0,
    onBegin: (hold) => begun.push(hold),
    onEnd: (hold) => ended.push(hold),
    onUnresponsive: ({ name }) => unresponsive.push(name),
  });
  stopping = new AbortController();
  guard.start(stopping.signal);
  await vi.waitUntil(() => guard.leader?.name === 'm0' && accepted.length > 0, patience);
});
afterEach(() => {
  stopping.abort();
  for (const socket of accepted) socket.destroy();
  server.close();
});

function questionsTo({ name }: Member): Questions {
  const questions: Pick<Questions, 'status' | 'read' | 'close'> = {
    status: async () => ({
      ...{ clusterId: 'c', memberId: `id of ${name}` },
      ...{ leaderId: `id of ${leads.name}`, term: leads.term },
    }),
    read: () => reads(),
    close: () => {},
  };
  return questions as Questions;
}

/** The process of m0 ends: its connections are cut. */
function die(): void {
  server.close();
  for (const socket of accepted) socket.resetAndDestroy();
}

test('holds when the leader cuts its heartbeat, until another leads', async () => {
  die();
  await vi.waitUntil(() => begun.length === 1, patience);
  expect(begun[0]).toMatchObject({ cause: 'gone', leader: 'm0' });
  expect(guard.view).toMatchObject({ limit: 4_000, current: { leader: 'm0' } });
  leads = { name: 'm1', term: 2 };
  await vi.waitUntil(() => ended.length === 1, patience);
  expect(ended[0]).toMatchObject({ end: 'elected', successor: 'm1' });
  expect(guard.leader?.name).toBe('m1');
  expect(unresponsive).toEqual([]);
});

test('a cut that a read disproves holds nobody for longer than the read', async () => {
  reads = async () => {};
  for (const socket of accepted) socket.resetAndDestroy();
  await vi.waitUntil(() => ended.length === 1, patience);
  expect(ended[0]).toMatchObject({ cause: 'gone', end: 'confirmed' });
});

test('holds when the leader does not answer and others do, and has its sessions leave', async () => {
  answers = false;
  await vi.waitUntil(() => unresponsive.length === 1, patience);
  expect(begun).toMatchObject([{ cause: 'unresponsive', leader: 'm0' }]);
  expect(unresponsive).toEqual(['m0']);
  leads = { name: 'm2', term: 2 };
  await vi.waitUntil(() => ended.length === 1, patience);
  expect(unresponsive).toEqual(['m0']); // told once
});

test('a refused dial of the leader begins a hold, one of another member does not', async () => {
  const [m0, m1] = members;
  if (m0 === undefined || m1 === undefined) throw new Error('no members');
  guard.refused(m1);
  expect(begun).toEqual([]);
  guard.refused(m0);
  expect(begun).toHaveLength(1);
});

test('a move holds until another leads, and not where it is called off', async () => {
  const first = guard.beginMove();
  guard.cancelMove();
  expect(await first).toBe('cancelled');
  const second = guard.beginMove();
  leads = { name: 'm1', term: 2 };
  expect(await second).toBe('elected');
  expect(begun.map(({ cause }) => cause)).toEqual(['planned', 'planned']);
});

test('a hold that lasts ends when the setting is turned off, and none begins any more', async () => {
  die();
  await vi.waitUntil(() => begun.length === 1, patience);
  settings.replace({ ...settings.current, hold: 0 });
  await vi.waitUntil(() => ended.length === 1, patience);
  expect(ended[0]).toMatchObject({ end: 'cancelled' });
  expect(guard.view.limit).toBe(0);
  expect(guard.beginMove()).toBeUndefined();
});

test('nothing is held while nobody asks members about themselves', async () => {
  settings.replace({ ...settings.current, inspectInterval: 0 });
  expect(guard.view.limit).toBe(0);
  await vi.waitUntil(() => guard.leader === undefined, patience);
  expect(guard.beginMove()).toBeUndefined();
});

test('a leader that leaves is held for no longer, and an answer of it that comes late is not heard', async () => {
  const [m0, ...others] = members;
  if (m0 === undefined) throw new Error('no m0');
  die();
  await vi.waitUntil(() => begun.length === 1, patience);
  members = others;
  guard.forget(m0);
  expect(ended).toMatchObject([{ end: 'cancelled' }]);
  await new Promise((resolve) => setTimeout(resolve, 300)); // the next round of questions
  expect(guard.leader).toBeUndefined();
});

test('stopping ends a hold', async () => {
  die();
  await vi.waitUntil(() => begun.length === 1, patience);
  stopping.abort();
  expect(ended).toMatchObject([{ end: 'cancelled' }]);
  expect(guard.leader).toBeUndefined();
});
