/** What a pause means for clients and sessions: who waits, who is reset, who leaves, and who is served afterwards. */
import { once } from 'node:events';
import net, { type AddressInfo, type Server, type Socket } from 'node:net';
import { buffer } from 'node:stream/consumers';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import type { Member } from '../../../src/members/member.ts';
import type { RejectReason } from '../../../src/proxy/client-totals.ts';
import { DataPath } from '../../../src/proxy/data-path.ts';
import { copyThroughSharedBuffer } from '../../../src/proxy/relay/shared-buffer.ts';
import type { EndReason } from '../../../src/proxy/sessions/session.ts';
import { dataPathSettings } from '../../support/data-path-settings.ts';
import { lookup } from '../../support/lookup.ts';
import { inOrder, Members, routeTo } from './members.ts';

const patience = { timeout: 20_000, interval: 5 };
const since = '2026-11-26T15:00:00.000Z';
const waits = { refuse: false, since };
const refuses = { refuse: true, since };

let members: Members;
let member: Member;
let proxy: DataPath;
let listener: Server;
let ended: EndReason[];
let rejected: RejectReason[];
/** Called when a member is dialled. */
let onDial: () => void;

beforeEach(async () => {
  members = new Members();
  member = await members.echo('m0');
  [ended, rejected, onDial] = [[], [], () => {}];
  proxy = new DataPath({
    settings: dataPathSettings({ maxConnections: 3 }),
    policy: inOrder,
    snapshot: () => {
      onDial();
      return routeTo(member);
    },
    lookup,
    connect: net.connect,
    isSelf: () => false,
    copy: copyThroughSharedBuffer,
    observer: {
      attempted: () => {},
      opened: () => {},
      ended: (_session, reason) => ended.push(reason),
      rejected: (reason) => rejected.push(reason),
    },
  });
  listener = net.createServer({ allowHalfOpen: true, pauseOnConnect: true }, (socket) =>
    proxy.accept(socket),
  );
  listener.listen(0, '127.0.0.1');
  await once(listener, 'listening');
});
afterEach(async () => {
  proxy.close();
  await proxy.idle();
  listener.close();
  await members[Symbol.asyncDispose]();
});

function client(): Socket {
  const { port } = listener.address() as AddressInfo;
  return net.connect({ port, host: '127.0.0.1', allowHalfOpen: true });
}

async function echoOf(socket: Socket): Promise<string> {
  socket.end('hello');
  return (await buffer(socket)).toString();
}

async function errorOf(socket: Socket): Promise<string | undefined> {
  const [error] = (await once(socket.resume(), 'error')) as [NodeJS.ErrnoException];
  return error.code;
}

const waiting = (count: number) => vi.waitUntil(() => proxy.waiting === count, patience);

test('clients wait, as many as there may be, and are served when it ends', async () => {
  proxy.pause.begin(waits, 0);
  const echoes = [client(), client(), client()].map(echoOf);
  await waiting(3);
  expect(await errorOf(client())).toBe('ECONNRESET');
  expect(rejected).toEqual(['limit']);
  expect(member.load).toBe(0);
  proxy.pause.end();
  expect(await Promise.all(echoes)).toEqual(['hello', 'hello', 'hello']);
});

test('clients are reset where that is asked for, also those that wait', async () => {
  proxy.pause.begin(waits, 0);
  const first = client();
  await waiting(1);
  proxy.pause.begin(refuses, 0);
  expect(await errorOf(first)).toBe('ECONNRESET');
  expect(await errorOf(client())).toBe('ECONNRESET');
  expect(rejected).toEqual(['paused', 'paused']);
  proxy.pause.begin(waits, 0);
  const last = echoOf(client());
  await waiting(1);
  proxy.pause.end();
  expect(await last).toBe('hello');
});

test('sessions leave, in an idle gap or at the deadline, and come back to wait', async () => {
  const socket = client();
  await vi.waitUntil(() => proxy.sessions.count === 1, patience);
  socket.write('a question that is answered, and another one follows');
  await once(socket, 'data');
  proxy.pause.begin(waits, 60);
  await vi.waitUntil(() => ended.length === 1, patience);
  expect(ended).toEqual(['paused']);
});

test('a client that is being dialled for when it begins gets no session', async () => {
  onDial = () => {
    onDial = () => {};
    proxy.pause.begin(waits, 0);
  };
  const echo = echoOf(client());
  await vi.waitUntil(() => proxy.pause.asked !== undefined && member.load === 0, patience);
  expect([proxy.sessions.opened, proxy.waiting]).toEqual([0, 1]);
  proxy.pause.end();
  expect(await echo).toBe('hello');
  expect(rejected).toEqual([]);
});

test('another cluster cuts every session, and has clients wait whatever an operator does', async () => {
  client();
  await vi.waitUntil(() => proxy.sessions.count === 1, patience);
  proxy.pause.setOtherCluster(true);
  await vi.waitUntil(() => ended.length === 1, patience);
  expect(ended).toEqual(['paused']);
  proxy.pause.begin(waits, 0);
  const echo = echoOf(client());
  await waiting(1);
  proxy.pause.end();
  expect(proxy.pause.mode).toBe('wait');
  proxy.pause.setOtherCluster(false);
  expect(await echo).toBe('hello');
});

test('who waits is reset when the process stops, and it stops at once', async () => {
  proxy.pause.begin(waits, 0);
  const socket = client();
  await waiting(1);
  proxy.pause.stop();
  expect(await errorOf(socket)).toBe('ECONNRESET');
  await proxy.idle();
  expect(rejected).toEqual(['paused']);
});

test('without a pause a process that stops still serves who waits for a member', async () => {
  onDial = () => proxy.pause.stop();
  expect(await echoOf(client())).toBe('hello');
});
