/** When names are looked up again, on a clock of our own. */
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import type { DnsChange } from '../../../../src/lib/net/dns-cache.ts';
import { Addresses } from '../../../../src/members/discovery/addresses.ts';
import type { DiscoveryChange } from '../../../../src/members/discovery/change.ts';

let answer: () => Promise<readonly string[]>;
let ttl: () => Promise<number>;
let asked: number;
let changes: number;
let failures: DnsChange[];
let excesses: DiscoveryChange[];
let addresses: Addresses;

beforeEach(() => {
  vi.useFakeTimers();
  asked = 0;
  changes = 0;
  failures = [];
  excesses = [];
  answer = async () => ['10.0.0.2', '10.0.0.1'];
  ttl = async () => 5;
  addresses = new Addresses({
    lookup: () => {
      asked += 1;
      return answer();
    },
    ttl: () => ttl(),
    onChange: () => {
      changes += 1;
    },
    onFailure: (change) => failures.push(change),
    onExcess: (change) => excesses.push(change),
  });
});
afterEach(() => {
  addresses.watch([]);
  expect(vi.getTimerCount()).toBe(0);
  vi.useRealTimers();
});

const pass = (ms: number) => vi.advanceTimersByTimeAsync(ms);

test('a name is asked for again when its time to live is over', async () => {
  addresses.watch(['etcd', '10.0.0.9']);
  await pass(0);
  expect(addresses.of('etcd')).toEqual(['10.0.0.1', '10.0.0.2']);
  expect(addresses.of('10.0.0.9')).toEqual([]);
  await pass(4_999);
  expect(asked).toBe(1);
  await pass(1);
  expect([asked, changes]).toEqual([2, 1]);
});

test.each([
  [0, 1_000],
  [86_400, 300_000],
])('a time to live of %d s is taken as one of %d ms', async (seconds, ms) => {
  ttl = async () => seconds;
  addresses.watch(['etcd']);
  await pass(ms - 1);
  expect(asked).toBe(1);
  await pass(1);
  expect(asked).toBe(2);
});

test('where nobody knows it, it is half a minute', async () => {
  ttl = () => Promise.reject(new Error('ENOTFOUND'));
  addresses.watch(['etcd']);
  await pass(29_999);
  expect(asked).toBe(1);
  await pass(1);
  expect(asked).toBe(2);
});

test('one address, or one of each family, is one member', async () => {
  answer = async () => ['10.0.0.1', 'fd00::1'];
  addresses.watch(['etcd']);
  await pass(0);
  expect(addresses.of('etcd')).toEqual([]);
  expect(changes).toBe(0);
});

test('a failure keeps the addresses, and is told of once', async () => {
  addresses.watch(['etcd']);
  await pass(0);
  answer = () => Promise.reject(Object.assign(new Error('no'), { code: 'ENOTFOUND' }));
  await pass(20_000);
  expect(addresses.of('etcd')).toHaveLength(2);
  expect(failures).toMatchObject([{ name: 'etcd', addresses: ['10.0.0.1', '10.0.0.2'] }]);
  answer = async () => ['10.0.0.1', '10.0.0.3'];
  await pass(5_000);
  expect(failures.at(-1)).toMatchObject({ kind: 'names-back' });
  expect([addresses.of('etcd'), changes]).toEqual([['10.0.0.1', '10.0.0.3'], 2]);
});

test('more addresses than a cluster has members are not taken, and told of once', async () => {
  addresses.watch(['etcd']);
  await pass(0);
  answer = async () => Array.from({ length: 33 }, (_, index) => `10.0.1.${index}`);
  await pass(20_000);
  expect(addresses.of('etcd')).toEqual(['10.0.0.1', '10.0.0.2']);
  const excess = { source: 'etcd', most: 32 };
  expect(excesses).toEqual([{ ...excess, kind: 'discovery-failing', found: 33 }]);
  answer = async () => Array.from({ length: 32 }, (_, index) => `10.0.1.${index}`);
  await pass(5_000);
  expect(addresses.of('etcd')).toHaveLength(32);
  expect(excesses.slice(1)).toEqual([{ ...excess, kind: 'discovery-back', found: 32 }]);
});

test('a name that is not watched any more is forgotten, also while it is asked for', async () => {
  addresses.watch(['etcd']);
  addresses.watch([]);
  await pass(0);
  expect(addresses.of('etcd')).toEqual([]);
  addresses.watch(['etcd']);
  await pass(0);
  addresses.watch([]);
  expect(vi.getTimerCount()).toBe(0);
});

test('a name that had several addresses stays one of many, so that who is left is who it was', async () => {
  addresses.watch(['etcd']);
  await pass(0);
  answer = async () => ['10.0.0.2'];
  await pass(5_000);
  expect([addresses.of('etcd'), changes]).toEqual([['10.0.0.2'], 2]);
});

test('addresses are there before their time to live is known', async () => {
  const late = Promise.withResolvers<number>();
  ttl = () => late.promise;
  addresses.watch(['etcd']);
  await pass(0);
  expect(addresses.of('etcd')).toHaveLength(2);
  late.resolve(5);
  await pass(5_000);
  expect(asked).toBe(2);
});
