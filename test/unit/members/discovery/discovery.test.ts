/** Who the members are while sources answer, fail and come back, on a clock of our own. */
import type { SrvRecord } from 'node:dns';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import type { ListedMember } from '../../../../src/etcd/status/member-status.ts';
import { Discovery, type DiscoveryOptions } from '../../../../src/members/discovery/discovery.ts';
import type { KnownMember } from '../../../../src/members/discovery/plan.ts';
import { SavedMembers } from '../../../../src/members/discovery/saved-members.ts';
import type { Place } from '../../../../src/members/place.ts';

/** A busy machine needs more than the second that is usual. */
const patience = { timeout: 20_000 };

const at = (host: string, name = `${host}:2379`): Place => ({
  ...{ name, scheme: 'http', host, port: 2379 },
});
const listed = (id: string): ListedMember => ({
  ...{ id, name: `m${id}`, clientUrls: [`http://10.0.0.${id}:2379`], isLearner: false },
});
const record = (name: string): SrvRecord => ({ name, port: 2379, priority: 0, weight: 0 });

let members: KnownMember[];
let list: ListedMember[];
let places: readonly Place[];
let told: string[];
let hosts: Map<string, readonly string[]>;
let srv: () => Promise<readonly SrvRecord[]>;
let stop: AbortController;
let folder: string;

beforeEach(() => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'performance'] });
  members = [];
  list = [];
  told = [];
  hosts = new Map();
  srv = () => Promise.reject(Object.assign(new Error(), { code: 'ENOTFOUND' }));
  stop = new AbortController();
  folder = mkdtempSync(join(tmpdir(), 'etcd-lb-discovery-'));
});
afterEach(() => {
  stop.abort();
  expect(vi.getTimerCount()).toBe(0);
  vi.useRealTimers();
  rmSync(folder, { recursive: true });
});

function start(options: Partial<DiscoveryOptions>): Discovery {
  const discovery = new Discovery({
    endpoints: [],
    schemes: ['http'],
    followsCluster: false,
    dns: {
      lookup: async (name) => hosts.get(name) ?? [],
      ttl: async () => 1,
      srv: () => srv(),
    },
    known: () => members,
    list: () => list,
    onPlaces: (next) => {
      places = next;
    },
    onChange: ({ kind }) => told.push(kind),
    onNameChange: () => told.push('name'),
    ...options,
  });
  places = discovery.begin();
  discovery.start(stop.signal);
  return discovery;
}

const there = (): string[] => places.map(({ host, address }) => address ?? host);
const pass = (ms: number) => vi.advanceTimersByTimeAsync(ms);
const healthy = (id: string) => ({
  ...{ place: at(`10.0.0.${id}`), memberId: id, isForeign: false, healthy: true },
});

test('a name with several addresses is as many members, and follows them', async () => {
  hosts.set('etcd', ['10.0.0.1', '10.0.0.2']);
  start({ endpoints: [at('etcd'), at('10.0.0.9')] });
  expect(there()).toEqual(['etcd', '10.0.0.9']);
  await pass(0);
  expect(places).toMatchObject([
    {
      ...{ name: 'etcd:2379/10.0.0.1', settingsName: 'etcd:2379' },
      ...{ host: 'etcd', address: '10.0.0.1' },
    },
    { address: '10.0.0.2' },
    { host: '10.0.0.9' },
  ]);
  hosts.set('etcd', ['10.0.0.2', '10.0.0.3']);
  await pass(1_000);
  expect(there()).toEqual(['10.0.0.2', '10.0.0.3', '10.0.0.9']);
  hosts.delete('etcd');
  await pass(10_000);
  expect(there()).toEqual(['10.0.0.2', '10.0.0.3', '10.0.0.9']);
  expect(told).toEqual(['name']);
});

test('SRV records are asked for again, and one that is gone is a member no more', async () => {
  srv = async () => [record('a'), record('b')];
  start({ srvDomain: 'example.com' });
  expect(there()).toEqual([]);
  await pass(0);
  expect(there()).toEqual(['a', 'b']);
  srv = async () => [record('b'), record('c')];
  await pass(10_000);
  expect(there()).toEqual(['b', 'c']);
});

test('a domain without records is told of once, and what is known stays', async () => {
  start({ srvDomain: 'example.com' });
  await pass(30_000);
  expect(told).toEqual(['discovery-failing']);
  srv = async () => [record('a')];
  await pass(10_000);
  expect(told).toEqual(['discovery-failing', 'discovery-back']);
  srv = async () => [];
  await pass(10_000);
  expect(there()).toEqual(['a']);
});

describe('more members than a cluster can have', () => {
  test('from SRV records and their addresses together change nothing, and are told of once', async () => {
    hosts.set('a', ['10.0.0.1', '10.0.0.2']);
    srv = async () => [record('a')];
    start({ endpoints: [at('10.0.0.9')], srvDomain: 'example.com' });
    await pass(0);
    expect(there()).toEqual(['10.0.0.9', '10.0.0.1', '10.0.0.2']);
    const twenty = (net: number) => Array.from({ length: 20 }, (_, n) => `10.0.${net}.${n}`);
    hosts.set('a', twenty(1));
    hosts.set('b', twenty(2));
    srv = async () => [record('a'), record('b')];
    await pass(60_000);
    // The 20 of the first, before the second had answered.
    expect(there()).toHaveLength(22);
    expect(told).toEqual(['discovery-failing']);
    hosts.set('b', ['10.0.2.1', '10.0.2.2']);
    await pass(60_000);
    expect(there()).toHaveLength(23);
    expect(told).toEqual(['discovery-failing', 'discovery-back']);
  });

  test('from a state file are not taken', async () => {
    await new SavedMembers(folder, () => {}).save(
      Array.from({ length: 34 }, (_, n) => at(`10.0.3.${n}`)),
    );
    start({ endpoints: [at('10.0.0.9')], srvDomain: 'example.com', stateDir: folder });
    expect(told).toEqual(['state-failing']);
    expect(there()).toEqual(['10.0.0.9']);
  });

  test('but settings may name any number', async () => {
    const many = Array.from({ length: 100 }, (_, n) => at(`10.0.4.${n}`));
    const discovery = start({ endpoints: many });
    expect(there()).toHaveLength(100);
    discovery.configure([...many, at('10.0.5.1')]);
    expect(there()).toHaveLength(101);
    expect(told).toEqual([]);
  });
});

describe('following the cluster', () => {
  const endpoints = [at('10.0.0.1')];

  test('the list is taken, and holds while nobody can give one', async () => {
    const discovery = start({ endpoints, followsCluster: true });
    members = [healthy('1')];
    list = [listed('1'), listed('2'), listed('3')];
    discovery.consider();
    expect(there()).toEqual(['10.0.0.1', '10.0.0.2', '10.0.0.3']);
    list = [];
    members = members.map((member) => ({ ...member, healthy: false }));
    await pass(5_000);
    discovery.consider();
    expect(there()).toEqual(['10.0.0.1', '10.0.0.2', '10.0.0.3']);
  });

  test('the seeds are tried again when all that were listed have been gone for a while', async () => {
    const discovery = start({ endpoints, followsCluster: true });
    members = [healthy('2')];
    list = [listed('2'), listed('3')];
    discovery.consider();
    expect(there()).toEqual(['10.0.0.2', '10.0.0.3']);
    members = [{ ...healthy('2'), healthy: false }];
    list = [];
    await pass(30_000);
    discovery.consider();
    expect(there()).toEqual(['10.0.0.2', '10.0.0.3', '10.0.0.1']);
  });

  test('a member that advertises what nobody can reach is told of once', async () => {
    const discovery = start({ endpoints, followsCluster: true });
    members = [healthy('1')];
    list = [listed('1'), { ...listed('2'), clientUrls: ['http://127.0.0.1:2379'] }];
    discovery.consider();
    expect(told).toEqual([]); // somebody may still say that it is he
    await pass(30_000);
    discovery.consider();
    discovery.consider();
    expect(told).toEqual(['member-misadvertised']);
    expect(there()).toEqual(['10.0.0.1']);
  });

  test('a member that advertises something better in time is not told of', async () => {
    const discovery = start({ endpoints, followsCluster: true });
    members = [healthy('1')];
    list = [listed('1'), { ...listed('2'), clientUrls: ['http://127.0.0.1:2379'] }];
    discovery.consider();
    await pass(29_999);
    list = [listed('1'), listed('2')];
    discovery.consider();
    await pass(30_000);
    expect(told).toEqual([]);
  });
});

describe('the state directory', () => {
  test('has the members of the last run, until somebody alive names them', async () => {
    await new SavedMembers(folder, () => {}).save([at('10.0.0.1', 'm1'), at('10.0.0.8', 'm8')]);
    const discovery = start({
      endpoints: [at('10.0.0.1')],
      followsCluster: true,
      stateDir: folder,
    });
    expect(told).toEqual(['state-used']);
    expect(there()).toEqual(['10.0.0.1', '10.0.0.8']);
    members = [healthy('1')];
    list = [listed('1'), listed('2')];
    discovery.consider();
    expect(there()).toEqual(['10.0.0.1', '10.0.0.2']);
    await vi.waitFor(
      () =>
        expect(new SavedMembers(folder, () => {}).load(['http'])).toMatchObject([
          {},
          { name: 'm2' },
        ]),
      patience,
    );
  });

  test('stands in for a name server that does not answer, and gives way to it', async () => {
    await new SavedMembers(folder, () => {}).save([at('old')]);
    start({ srvDomain: 'example.com', stateDir: folder });
    await pass(0);
    expect(there()).toEqual(['old']);
    srv = async () => [record('new')];
    await pass(10_000);
    expect(there()).toEqual(['new']);
    await vi.waitFor(
      () =>
        expect(new SavedMembers(folder, () => {}).load(['http'])).toMatchObject([{ host: 'new' }]),
      patience,
    );
  });
});
