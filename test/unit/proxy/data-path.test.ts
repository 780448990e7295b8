/** Clients through a listener and a proxy to real members: admission, accounts and the way out. */

import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import net, { type AddressInfo, type Server, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { buffer } from 'node:stream/consumers';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { createPolicy } from '../../../src/balancing/policies/policies.ts';
import type { Member } from '../../../src/members/member.ts';
import type { RejectReason } from '../../../src/proxy/client-totals.ts';
import { DataPath, type DataPathOptions } from '../../../src/proxy/data-path.ts';
import type { DialAttempt } from '../../../src/proxy/dial/dial.ts';
import { copyThroughSharedBuffer } from '../../../src/proxy/relay/shared-buffer.ts';
import type { EndReason } from '../../../src/proxy/sessions/session.ts';
import { dataPathSettings } from '../../support/data-path-settings.ts';
import { lookup } from '../../support/lookup.ts';
import { freezePort, inOrder, Members, memberAt, refusing, routeTo } from './members.ts';

/** A busy machine needs more than the second that is usual. */
const patience = { timeout: 20_000 };

let members: Members;
let proxy: DataPath;
let listener: Server;
let attempts: DialAttempt['result'][];
let opened: number[];
let ended: EndReason[];
let rejected: RejectReason[];

beforeEach(() => {
  members = new Members();
  [attempts, opened, ended, rejected] = [[], [], [], []];
});
afterEach(async () => {
  proxy.close();
  await proxy.idle();
  listener.close();
  await members[Symbol.asyncDispose]();
  // What is told is counted, whatever the test.
  for (const reason of rejected) {
    const { clients, lastAt } = proxy.totals.rejectedFor(reason);
    expect([reason, clients]).toEqual([reason, rejected.filter((each) => each === reason).length]);
    expect(Date.now() - (lastAt ?? 0)).toBeLessThan(60_000);
  }
  expect(proxy.totals.failovers).toBe(opened.filter((failovers) => failovers > 0).length);
});

/** Puts a proxy in front of these members, and a listener in front of it. */
async function front(
  targets: Member[],
  settings: Parameters<typeof dataPathSettings>[0] = {},
  options: Partial<DataPathOptions> = {},
): Promise<void> {
  proxy = new DataPath({
    settings: dataPathSettings(settings),
    policy: inOrder,
    snapshot: () => routeTo(...targets),
    lookup,
    connect: net.connect,
    isSelf: () => false,
    copy: copyThroughSharedBuffer,
    observer: {
      attempted: (_candidate, { result }) => attempts.push(result),
      opened: (_session, failovers) => opened.push(failovers),
      ended: (_session, reason) => ended.push(reason),
      rejected: (reason) => rejected.push(reason),
    },
    ...options,
  });
  const listening = { allowHalfOpen: true, pauseOnConnect: true };
  listener = net.createServer(listening, (socket) => proxy.accept(socket));
  listener.listen({ port: 0, host: '127.0.0.1', backlog: 4096 });
  await once(listener, 'listening');
}

function client(localAddress?: string): Socket {
  const { port } = listener.address() as AddressInfo;
  const from = localAddress === undefined ? {} : { localAddress };
  return net.connect({ port, host: '127.0.0.1', allowHalfOpen: true, ...from });
}

/** The code of the error with which a client was turned away. */
async function errorOf(socket: Socket): Promise<string | undefined> {
  const [error] = (await once(socket.resume(), 'error')) as [NodeJS.ErrnoException];
  return error.code;
}

/** Resolves when the other side has closed or reset the connection. */
function goneBy(socket: Socket): Promise<unknown> {
  return new Promise((resolve) => socket.resume().on('end', resolve).on('error', resolve));
}

async function echoOf(socket: Socket, bytes: Buffer): Promise<Buffer> {
  socket.end(bytes);
  return await buffer(socket);
}

test('a client is joined with a member, and everything it sent from the first byte on arrives', async () => {
  const targets = [refusing('m0'), await members.echo('m1')];
  await front(targets);
  expect(await echoOf(client(), Buffer.from('first words'))).toEqual(Buffer.from('first words'));
  await proxy.idle();
  expect({ attempts, opened, ended, rejected }).toEqual({
    attempts: ['failed', 'connected'],
    opened: [1],
    ended: ['client-closed'],
    rejected: [],
  });
  expect(targets.map(({ load }) => load)).toEqual([0, 0]);
});

describe('admission', () => {
  test('one client too many is reset, and its place is free again once another left', async () => {
    await front([await members.echo('m0')], { maxConnections: 2 });
    const [first, second] = [client(), client()];
    await vi.waitUntil(() => proxy.sessions.count === 2, patience);
    expect(await errorOf(client())).toBe('ECONNRESET');
    expect(rejected).toEqual(['limit']);
    expect(await echoOf(first, Buffer.from('x'))).toHaveLength(1);
    await vi.waitUntil(() => proxy.sessions.count === 1, patience);
    expect(await echoOf(client(), Buffer.from('y'))).toHaveLength(1);
    second.destroy();
  });

  test('one address has its share, and others get in', async () => {
    await front([await members.echo('m0')], { maxConnections: 4, maxSourceShare: 50 });
    const first = client();
    client();
    await vi.waitUntil(() => proxy.sessions.count === 2, patience);
    expect(await errorOf(client())).toBe('ECONNRESET');
    expect(rejected).toEqual(['source-limit']);
    client('127.0.0.2');
    client('127.0.0.2');
    await vi.waitUntil(() => proxy.sessions.count === 4, patience);
    // A place of its own is free again once one of its connections has ended.
    expect(await echoOf(first, Buffer.from('x'))).toHaveLength(1);
    await vi.waitUntil(() => proxy.sessions.count === 3, patience);
    expect(await echoOf(client(), Buffer.from('y'))).toHaveLength(1);
    expect(rejected).toEqual(['source-limit']);
  });

  test('the share is free again also of clients for whom there was no member', async () => {
    await front([refusing('m0')], { maxConnections: 2, maxSourceShare: 50 });
    for (let turn = 0; turn < 5; turn += 1) expect(await errorOf(client())).toBe('ECONNRESET');
    expect(rejected).toEqual(Array(5).fill('no-member'));
  });

  test('clients over a Unix socket are not counted by address', async () => {
    await front([await members.echo('m0')], { maxConnections: 4, maxSourceShare: 25 });
    const folder = await mkdtemp(path.join(tmpdir(), 'sources-'));
    const socket = path.join(folder, 'lb.sock');
    const local = net.createServer({ allowHalfOpen: true, pauseOnConnect: true }, (each) =>
      proxy.accept(each),
    );
    local.listen(socket);
    await once(local, 'listening');
    const clients = Array.from({ length: 4 }, () => net.connect(socket));
    await vi.waitUntil(() => proxy.sessions.count === 4, patience);
    for (const each of clients) each.destroy();
    local.close();
    await rm(folder, { recursive: true });
  });

  test('a client that says nothing is closed when its time is over, and no other', async () => {
    await front([await members.echo('m0')]);
    const [silent, early] = [client(), client()];
    early.write('x');
    await once(early.resume(), 'data');
    await vi.waitUntil(() => proxy.sessions.count === 2, patience);
    const between = performance.now();
    const late = client();
    await vi.waitUntil(() => proxy.sessions.count === 3, patience);
    // What it says while it is held is said.
    const held = client();
    await vi.waitUntil(() => proxy.sessions.count === 4, patience);
    proxy.closeSilent(between);
    await goneBy(silent);
    await vi.waitUntil(() => proxy.sessions.count === 3, patience);
    expect([ended, rejected]).toEqual([['silent'], ['silent']]);
    proxy.sessions.hold();
    held.write('y');
    proxy.closeSilent(performance.now());
    expect(proxy.sessions.count).toBe(3);
    proxy.sessions.release();
    await once(held.resume(), 'data');
    proxy.closeSilent(performance.now());
    await goneBy(late);
    await vi.waitUntil(() => proxy.sessions.count === 2, patience);
    expect(ended).toEqual(['silent', 'silent']);
  });

  test('clients that wait for a member count', async () => {
    await using frozen = await freezePort();
    await front([memberAt(frozen.port)], { maxConnections: 1 });
    const waiting = client().on('error', () => {});
    await vi.waitUntil(() => proxy.waiting === 1, patience);
    expect(await errorOf(client())).toBe('ECONNRESET');
    expect(rejected).toEqual(['limit']);
    proxy.close();
    waiting.destroy();
  });

  test('when no member can be reached the client is reset', async () => {
    const targets = [refusing('m0'), refusing('m1')];
    await front(targets);
    expect(await errorOf(client())).toBe('ECONNRESET');
    expect(rejected).toEqual(['no-member']);
    expect(attempts).toEqual(['failed', 'failed']);
    expect(targets.map(({ load }) => load)).toEqual([0, 0]);
  });
});

describe('an error while a client is served', () => {
  const errors: unknown[] = [];
  const onError = (error: unknown): void => void errors.push(error);
  beforeEach(() => {
    errors.length = 0;
    for (const listener of process.listeners('uncaughtException')) stashed.push(listener);
    process.removeAllListeners('uncaughtException').on('uncaughtException', onError);
  });
  const stashed: NodeJS.UncaughtExceptionListener[] = [];
  afterEach(() => {
    process.off('uncaughtException', onError);
    for (const listener of stashed.splice(0)) process.on('uncaughtException', listener);
  });
  const failure = new Error('a defect');
  const fail = (): never => {
    throw failure;
  };

  test.each<[string, Partial<DataPathOptions>]>([
    ['before the dial', { receive: async () => fail() }],
    ['in the policy', { policy: fail }],
    ['when the session opens', { copy: fail }],
  ])('%s costs that client, and leaves no place taken', async (_, options) => {
    const target = await members.echo('m0');
    await front([target], { maxConnections: 2, maxSourceShare: 50 }, options);
    for (let turn = 0; turn < 3; turn += 1) expect(await errorOf(client())).toBe('ECONNRESET');
    await proxy.idle();
    expect([proxy.waiting, proxy.sessions.count, target.load]).toEqual([0, 0, 0]);
    expect(rejected).toEqual([]);
    expect(errors).toEqual([failure, failure, failure]);
  });

  test('of whoever is told costs nobody, and leaves nothing taken', async () => {
    const target = await members.echo('m0');
    const observer = { attempted: fail, opened: fail, ended: fail, rejected: fail };
    await front([target], { maxConnections: 1 }, { observer });
    expect(await echoOf(client(), Buffer.from('x'))).toHaveLength(1);
    await proxy.idle();
    expect(target.load).toBe(0);
    expect(errors).toEqual([failure, failure, failure]);
    const second = client();
    second.write('y');
    await once(second, 'data');
    const idle = proxy.idle();
    second.destroy();
    await idle;
    expect([proxy.sessions.count, target.load]).toEqual([0, 0]);
  });
});

describe('a client that vanishes while it waits', () => {
  test('leaks no load when its socket is gone by then', async () => {
    const target = await members.echo('m0');
    await front([target]);
    listener.on('connection', (socket) => socket.destroy()); // right after it was accepted
    client()
      .on('error', () => {})
      .resume();
    await vi.waitUntil(() => attempts.length === 1, patience);
    await proxy.idle();
    expect({ attempts, opened, rejected }).toEqual({
      attempts: ['connected'],
      opened: [],
      rejected: [],
    });
    expect(target.load).toBe(0);
  });

  test.each(['reset', 'closed'] as const)('leaks no load when it %s its end', async (how) => {
    await using frozen = await freezePort();
    const targets = [memberAt(frozen.port), await members.echo('m1')];
    await front(targets, { dialRaceAfter: 100 });
    const vanishing = client();
    await vi.waitUntil(() => proxy.waiting === 1, patience);
    if (how === 'reset') vanishing.resetAndDestroy();
    else vanishing.destroy();
    await proxy.idle();
    expect(attempts).toEqual(['connected', 'abandoned']);
    expect(ended).toHaveLength(1);
    expect(targets.map(({ load }) => load)).toEqual([0, 0]);
  });
});

describe('idle', () => {
  test('resolves at once when there is nobody', async () => {
    await front([]);
    await proxy.idle();
  });

  test('waits for those who wait and for sessions', async () => {
    await using frozen = await freezePort();
    const targets = [memberAt(frozen.port), await members.echo('m1')];
    await front(targets, { dialRaceAfter: 500 });
    const socket = client();
    await vi.waitUntil(() => proxy.waiting === 1, patience);
    let idle = false;
    const resolved = proxy.idle().then(() => {
      idle = true;
    });
    await vi.waitUntil(() => proxy.sessions.count === 1, patience);
    expect(idle).toBe(false);
    await echoOf(socket, Buffer.from('bye'));
    await resolved;
    expect([proxy.waiting, proxy.sessions.count]).toEqual([0, 0]);
  });

  test('resolves for everybody who asked', async () => {
    await front([await members.echo('m0')]);
    const socket = client();
    await vi.waitUntil(() => proxy.sessions.count === 1, patience);
    const both = Promise.all([proxy.idle(), proxy.idle()]);
    socket.destroy();
    const late = new Promise((resolve) => setTimeout(resolve, 1000, 'late'));
    expect(await Promise.race([both, late])).not.toBe('late');
  });
});

test('close ends sessions and those who wait, and says how many sessions there were', async () => {
  await using frozen = await freezePort();
  const target = await members.echo('m0');
  let targets = [target];
  await front([], {}, { snapshot: () => routeTo(...targets) });
  const sessions = [client(), client()];
  await vi.waitUntil(() => proxy.sessions.count === 2, patience);
  targets = [memberAt(frozen.port)];
  const waiting = client();
  await vi.waitUntil(() => proxy.waiting === 1, patience);
  const gone = [...sessions, waiting].map(goneBy);
  expect(proxy.close()).toBe(2);
  await proxy.idle();
  await Promise.all(gone);
  expect(ended).toEqual(['shutdown', 'shutdown']);
  expect([target.load, ...targets.map(({ load }) => load)]).toEqual([0, 0]);
  expect(proxy.close()).toBe(0);
});

test('2,000 clients at the same time get back what they sent, evenly spread, and leave nothing behind', async () => {
  const targets = await Promise.all(['m0', 'm1', 'm2'].map((name) => members.echo(name)));
  await front(targets, { maxConnections: 2000 }, { policy: createPolicy('least-connections') });
  const count = 2000;
  const clients = Array.from({ length: count }, client);
  await vi.waitUntil(() => proxy.sessions.count === count, { timeout: 20_000 });
  const loads = targets.map(({ load }) => load);
  expect(loads.toSorted()).toEqual([666, 667, 667]);
  await Promise.all(
    clients.map(async (socket) => {
      const sent = randomBytes(1024);
      expect((await echoOf(socket, sent)).equals(sent)).toBe(true);
    }),
  );
  await proxy.idle();
  expect(targets.map(({ load }) => load)).toEqual([0, 0, 0]);
  expect([opened.length, ended.length, proxy.waiting]).toEqual([count, count, 0]);
  const totals = targets.map((target) => proxy.sessions.totalsOf(target));
  expect(totals.map(({ opened }) => opened)).toEqual(loads);
  for (const { opened, ended, bytes } of totals) {
    expect(ended['client-closed'] + ended['member-closed']).toBe(opened);
    expect(bytes).toEqual({ client: opened * 1024, member: opened * 1024 });
  }
  expect(rejected).toEqual([]);
});
