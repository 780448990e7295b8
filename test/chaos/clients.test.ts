/** The clients of a schedule against a real cluster, through a relay that counts and can be cut. */
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import type { Etcd3 } from 'etcd3';
import { afterAll, beforeAll, expect, onTestFinished, test } from 'vitest';
import { findEtcd } from '../../src/demo/etcd-binary.ts';
import { type LocalCluster, startLocalCluster } from '../../src/demo/local-cluster.ts';
import { Folder } from '../machine/folder.ts';
import { type Certificates, createCertificates } from '../support/certificates.ts';
import { etcd3, etcdctl } from '../support/clients.ts';
import { checkLinearizable } from './check/linearizable.ts';
import { checkWatch } from './check/watches.ts';
import { checkWrites } from './check/writes.ts';
import { Clients } from './clients/clients.ts';
import { CountingRelay } from './clients/counting-relay.ts';
import { findGoClient } from './clients/go-client.ts';
import type { ClientPlan, Place } from './clients/plan.ts';
import {
  type CallRecord,
  type ClientRecord,
  now,
  type SocketRecord,
  type WatchEvent,
  type WatchRecord,
} from './clients/record.ts';

const etcd = await findEtcd();
const goClient = await findGoClient();
const withGo = goClient === undefined ? {} : { goClient };
const goNames = ['go 0', 'go 1', 'go watch', 'go lease'];
const folder = new Folder();
let certificates: Certificates;
let plain: LocalCluster;
let secure: LocalCluster;

beforeAll(async () => {
  certificates = await createCertificates();
  const { ca, server } = certificates;
  const tls = { ca, serverCert: server.cert, serverKey: server.key };
  [plain, secure] = await Promise.all([
    startLocalCluster({ etcd, size: 3 }),
    startLocalCluster({ etcd, size: 1, tls }),
  ]);
});

afterAll(async () => {
  await Promise.all([plain?.stop(), secure?.stop(), certificates?.[Symbol.asyncDispose]()]);
  folder[Symbol.dispose]();
});

async function relayTo(member: { clientPort: number }, path?: string): Promise<CountingRelay> {
  const place = path === undefined ? { host: '127.0.0.1', port: 0 } : { path };
  const relay = await CountingRelay.start(member.clientPort, place);
  onTestFinished(() => relay[Symbol.asyncDispose]());
  return relay;
}

function planOf(place: Place, more: Partial<ClientPlan> = {}): ClientPlan {
  const { etcdctl } = etcd;
  return {
    ...{ place, prefix: `chaos/${place.url}/`, seed: 7, registers: 2, clientsPerRegister: 2 },
    ...{ pace: 50, watches: 2, leases: 1, leaseTtl: 5, largeReaders: 1, largeBytes: 300_000 },
    ...{ idle: 1, shortLived: 2, deadline: 2_000, ...(etcdctl && { etcdctl }) },
    ...more,
  };
}

/** Lets them work until every client has succeeded after now. */
async function everybodySucceeds(clients: Clients): Promise<void> {
  const since = now();
  for (;;) {
    const { clients: last } = await clients.progress();
    if (Object.values(last).every((at) => at > since)) return;
    await delay(50);
  }
}

type Kind<K extends ClientRecord['kind']> = Extract<ClientRecord, { kind: K }>;

function only<K extends ClientRecord['kind']>(all: readonly ClientRecord[], kind: K): Kind<K>[] {
  return all.filter((record): record is Kind<K> => record.kind === kind);
}

function expectWholeCalls(
  calls: readonly CallRecord[],
  ops: readonly CallRecord['op'][] = ['put', 'get', 'swap', 'range'],
): void {
  for (const call of calls) {
    expect(call.ended).toBeGreaterThanOrEqual(call.begun);
    if (call.error !== undefined) continue;
    expect(call.revision, JSON.stringify(call)).toBeGreaterThan(0);
    expect(call.member).toMatch(/^\d+$/);
  }
  const written = calls.flatMap(({ value }) => (value === undefined ? [] : [value]));
  expect(new Set(written).size).toBe(written.length);
  for (const op of ops) {
    expect(calls.some((call) => call.op === op && call.error === undefined)).toBe(true);
  }
}

/** What was written to registers, as watches have to tell it: each write once, in order. */
function expectWholeWatches(watches: readonly WatchRecord[], calls: readonly CallRecord[]): void {
  const longest = watches.map(({ events }) => events).sort((a, b) => b.length - a.length)[0] ?? [];
  for (const { watcher, prefix, from, events, lost } of watches) {
    expect(lost).toBeUndefined();
    const revisions = events.map(({ revision }) => revision);
    expect(revisions, watcher).toEqual([...new Set(revisions)].sort((a, b) => a - b));
    const expected = longest.filter(({ revision }) => revision >= from);
    expect(events.map(withoutTime), watcher).toEqual(expected.map(withoutTime));
    const told = new Map(events.map(({ revision, value }) => [revision, value]));
    for (const { op, key, value, swapped, revision = 0, error } of calls) {
      const wrote = error === undefined && (op === 'put' || swapped === true);
      if (!wrote || !key.startsWith(prefix) || revision < from) continue;
      expect(told.get(revision), watcher).toBe(value);
    }
  }
}

/** What calls have read, against what a watch was told: recorded as it was, and not mixed up. */
function expectTrueReads(calls: readonly CallRecord[], { events, from }: WatchRecord): void {
  const valueAt = (key: string, revision: number) =>
    events.findLast((event) => event.key === key && event.revision <= revision)?.value;
  let [reads, swaps] = [0, 0];
  for (const { op, key, read, expected, swapped, revision = 0, error } of calls) {
    if (error !== undefined || revision < from) continue;
    const told = valueAt(key, op === 'swap' ? revision - 1 : revision);
    if (told === undefined) continue;
    if (op === 'get') reads += 1;
    if (op === 'get') expect(read).toBe(told);
    if (swapped) swaps += 1;
    if (swapped) expect(expected).toBe(told);
  }
  expect(Math.min(reads, swaps)).toBeGreaterThan(0);
}

async function revisionOf(client: Etcd3): Promise<number> {
  const { header } = await client.kv.range({ key: Buffer.from('any') });
  return Number(header.revision);
}

/** Every event of a prefix from a revision on. */
async function historyOf(
  client: Etcd3,
  prefix: string,
  from: number,
): Promise<readonly WatchEvent[]> {
  const last = `${prefix}last`;
  await client.put(last).value('');
  const events: WatchEvent[] = [];
  const told = Promise.withResolvers<void>();
  const watcher = await client.watch().prefix(prefix).startRevision(String(from)).create();
  watcher.on('put', ({ key, value, mod_revision }) => {
    if (key.toString() === last) told.resolve();
    else {
      const [revision, at] = [Number(mod_revision), now()];
      events.push({ revision, type: 'put', key: key.toString(), value: value.toString(), at });
    }
  });
  watcher.on('error', told.reject);
  await told.promise;
  return events;
}

/** Nobody was told of a write before it began, whichever of the processes either of them was in. */
function expectOneClock(calls: readonly CallRecord[], watches: readonly WatchRecord[]): void {
  const begun = new Map(calls.map((call) => [call.value, call.begun]));
  const early = watches.flatMap(({ watcher, events }) =>
    events
      .filter(({ value, at }) => at < (begun.get(value) ?? Number.POSITIVE_INFINITY))
      .map(({ value }) => `${watcher}: ${value}`),
  );
  expect(early).toEqual([]);
}

function withoutTime<T extends { at: number }>({ at: _, ...event }: T): Omit<T, 'at'> {
  return event;
}

/** Bytes as the relay has counted them, in each direction, of all sockets that were closed in order. */
function expectEqualBytes(sockets: readonly SocketRecord[], relay: CountingRelay): void {
  // Nobody knows whether the last bytes arrive where the other end leaves at the same time.
  const apart = ({ closed = 0 }: SocketRecord) => Math.abs(closed - relay.cutAt) > 100;
  const ordered = sockets.filter((socket) => socket.inOrder && apart(socket));
  expect(ordered.length).toBeGreaterThan(0);
  for (const { port, sent, received, client } of ordered) {
    const counted = relay.crossings
      .filter((crossing) => crossing.port === port)
      .map((crossing) => [crossing.client.bytesRead, crossing.client.bytesWritten] as const);
    const isEqual = counted.some(
      ([read, written]) =>
        sent >= read &&
        sent - read <= goodbye &&
        written >= received &&
        written - received <= goodbye,
    );
    expect(isEqual, `${client}: ${sent} and ${received}, the relay has ${counted}`).toBe(true);
  }
}

/** The last record of TLS, which nobody need read: bytes. */
const goodbye = 32;

test('every call, event, keep-alive and socket is recorded, also when connections are cut', async () => {
  const [member] = plain.members;
  if (member === undefined) throw new Error('no member');
  const relay = await relayTo(member);
  const plan = planOf({ url: `http://127.0.0.1:${relay.port}` });
  await using clients = await Clients.start(plan, folder.path);
  await delay(1_500);
  await relay.cut(300);
  await everybodySucceeds(clients);
  await delay(1_000);
  const { failures } = await clients.progress();
  const records = await clients.stop();
  expect(await clients.stop()).toBe(records);

  expect(only(records, 'crash')).toEqual([]);
  expect(clients.ended).toBe(true);
  const calls = only(records, 'call');
  expectWholeCalls(calls);
  const failed = calls.filter(({ error }) => error !== undefined);
  expect(failed.length).toBe(failures);
  expect(failures).toBeGreaterThan(0);
  for (const { client, ended } of failed) {
    const after = calls.filter((call) => call.client === client && call.begun > ended);
    expect(after.some(({ error }) => error === undefined)).toBe(true);
  }
  const watches = only(records, 'watch');
  expect(watches.map(({ watcher }) => watcher)).toEqual(['watch 0', 'watch 1', 'etcdctl watch']);
  for (const { resumed } of watches.slice(0, 2)) expect(resumed).toHaveLength(1);
  expectWholeWatches(watches, calls);
  if (watches[0] !== undefined) expectTrueReads(calls, watches[0]);
  const leases = only(records, 'lease');
  expect(leases.map(({ holder, ttl }) => [holder, ttl])).toEqual([
    ['lease 0', 5],
    ['etcdctl lease', 5],
  ]);
  for (const { answered, lost } of leases) {
    expect(lost).toBeUndefined();
    expect(answered.length).toBeGreaterThan(1);
    for (const { asked, at } of answered) expect(asked).toBeLessThan(at);
  }
  const sockets = only(records, 'socket');
  expect(sockets.filter(({ client }) => client === 'unknown')).toEqual([]);
  expectEqualBytes(sockets, relay);
  const ports = new Set(relay.crossings.map(({ port }) => port));
  expect(sockets.filter(({ port }) => !ports.has(port))).toEqual([]);
  // grpc-js connects once more for a channel that etcd3 closed while it waited to try again.
  const forgotten = sockets.filter(({ closed }) => closed === undefined);
  const forgetful = forgotten.map(({ client }) => client);
  expect(new Set(forgetful).size, forgetful.join()).toBe(forgetful.length);
  const cut = sockets.filter(({ inOrder }) => !inOrder).map(({ client }) => client);
  expect(cut).toEqual(expect.arrayContaining(['register 0', 'watch 0', 'lease 0']));
  const inOrder = sockets.filter((socket) => socket.inOrder).map(({ client }) => client);
  const all = ['register 0', 'watch 0', 'lease 0', 'idle 0', 'large reader 0', 'short 0'];
  expect(inOrder).toEqual(expect.arrayContaining(all));
});

test('clients on the Go library, where there is one, record all, also when cut', async () => {
  if (goClient === undefined) {
    console.log('Without Go and its library of etcd, there are no clients on it.');
    expect(await findGoClient()).toBeUndefined();
    return;
  }
  const [member] = secure.members;
  if (member === undefined) throw new Error('no member');
  const relay = await relayTo(member);
  const { ca, client } = certificates;
  const plan = planOf(
    { url: `https://127.0.0.1:${relay.port}`, tls: { ca, ...client } },
    { watches: 1, leases: 0, leaseTtl: 10, largeReaders: 0, idle: 0, shortLived: 0, ...withGo },
  );
  const direct = etcd3(member.clientUrl, certificates);
  const from = (await revisionOf(direct)) + 1;
  await using clients = await Clients.start(plan, folder.path);
  await delay(1_500);
  // The library waits for a connection and repeats reads: only a cut beyond the deadline is sure to fail calls.
  await relay.cut(plan.deadline + 300);
  await everybodySucceeds(clients);
  const { clients: last, failures } = await clients.progress();
  expect(Object.keys(last)).toEqual(expect.arrayContaining(goNames));
  const records = await clients.stop();

  expect(only(records, 'crash')).toEqual([]);
  const calls = only(records, 'call');
  expect(calls.filter(({ error }) => error !== undefined).length).toBe(failures);
  const byGo = calls.filter(({ client }) => client === 'go 0' || client === 'go 1');
  expectWholeCalls(byGo, ['put', 'get', 'swap']);
  expect(byGo.some(({ error = '' }) => /No connection established/.test(error))).toBe(true);
  const events = await historyOf(direct, plan.prefix, from);
  direct.close();
  expect(checkLinearizable(calls)).toEqual([]);
  expect(checkWrites(calls, { history: events, atEnd: new Map() })).toEqual([]);
  const watches = only(records, 'watch');
  const until = events.at(-1)?.revision ?? 0;
  expect(watches.flatMap((watch) => checkWatch(watch, events, until))).toEqual([]);
  expectOneClock(calls, watches);
  const goWatch = watches.find(({ watcher }) => watcher === 'go watch');
  expect(goWatch?.resumed).toHaveLength(1);
  const ports = only(records, 'socket').filter(({ client }) => client === 'go 0');
  expect(ports.length).toBeGreaterThan(1);
  for (const { port, closed } of ports) {
    expect(relay.crossings.map((each) => each.port)).toContain(port);
    expect(closed).toBeGreaterThanOrEqual(relay.cutAt);
  }
  const lease = only(records, 'lease').find(({ holder }) => holder === 'go lease');
  expect(lease).toMatchObject({ key: `${plan.prefix}lease/go lease`, ttl: 10 });
  expect(lease?.lost).toBeUndefined();
  expect(lease?.answered.length).toBeGreaterThan(1);
  for (const { asked, at, ttl } of lease?.answered ?? []) {
    expect(asked).toBeLessThan(at);
    expect(at - asked).toBeLessThan(1_000);
    expect(ttl).toBe(10);
  }
});

test('over TLS, bytes are those of the wire', async () => {
  const [member] = secure.members;
  if (member === undefined) throw new Error('no member');
  const relay = await relayTo(member);
  const { ca, client } = certificates;
  const place = { url: `https://127.0.0.1:${relay.port}`, tls: { ca, ...client } };
  await using clients = await Clients.start(planOf(place), folder.path);
  await everybodySucceeds(clients);
  const records = await clients.stop();
  expectWholeCalls(only(records, 'call'));
  expectWholeWatches(only(records, 'watch'), only(records, 'call'));
  expectEqualBytes(only(records, 'socket'), relay);
  expect(only(records, 'socket').filter(({ client }) => client === 'unknown')).toEqual([]);
  expect(only(records, 'crash')).toEqual([]);
});

test('over a Unix socket', async () => {
  const [, member] = plain.members;
  if (member === undefined) throw new Error('no member');
  const path = join(folder.path, 'relay.sock');
  const relay = await relayTo(member, path);
  // Without etcdctl, all connections are recorded.
  const { etcdctl: _, ...plan } = planOf({ url: `unix://${path}` });
  await using clients = await Clients.start(plan, folder.path);
  await everybodySucceeds(clients);
  const records = await clients.stop();
  expectWholeCalls(only(records, 'call'));
  expect(only(records, 'call').filter(({ error }) => error !== undefined)).toEqual([]);
  expectWholeWatches(only(records, 'watch'), only(records, 'call'));
  expectEqualBytes(only(records, 'socket'), relay);
  expect(only(records, 'socket').every(({ port }) => port === 0)).toBe(true);
  expect(only(records, 'socket').length).toBe(relay.crossings.length);
  expect(only(records, 'crash')).toEqual([]);
});

test('a watch whose revision was compacted is lost, and nobody waits for it', async () => {
  const [member] = plain.members;
  if (member === undefined) throw new Error('no member');
  const relay = await relayTo(member);
  const plan = planOf(
    { url: `http://127.0.0.1:${relay.port}` },
    { leases: 0, largeReaders: 0, idle: 0, ...withGo },
  );
  await using clients = await Clients.start(plan, folder.path);
  const cut = relay.cut(1_000);
  const run = etcdctl(etcd, member.clientUrl);
  const put = () => run('put', '-w', 'json', `${plan.prefix}register/0`, 'from elsewhere');
  await put();
  const { header } = JSON.parse(await put()) as { header: { revision: number } };
  await run('compact', String(header.revision));
  await cut;
  await everybodySucceeds(clients);
  const { clients: last } = await clients.progress();
  expect(Object.keys(last)).not.toContain('watch 0');
  const records = await clients.stop();
  for (const { lost, watcher } of only(records, 'watch')) {
    expect(lost, watcher).toBe(`compacted up to ${header.revision}`);
  }
  expect(only(records, 'crash')).toEqual([]);
});

test('who is killed has no records', async () => {
  const [member] = plain.members;
  if (member === undefined) throw new Error('no member');
  const { etcdctl: _, ...plan } = planOf({ url: member.clientUrl });
  const clients = await Clients.start(plan, folder.path);
  expect(clients.ended).toBe(false);
  await clients[Symbol.asyncDispose]();
  expect(clients.ended).toBe(true);
  await expect(clients.progress()).rejects.toThrow('ended before it said progress');
  await expect(clients.stop()).rejects.toThrow('ended before it said done');
});
