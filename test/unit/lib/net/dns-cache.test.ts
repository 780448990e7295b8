import type { LookupAddress } from 'node:dns';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { DnsCache, type DnsChange } from '../../../../src/lib/net/dns-cache.ts';

type Answer = (address?: string) => void;

let changes: DnsChange[];
/** The questions that the name server has not answered yet; without an address it fails. */
let asked: Answer[];
let names: DnsCache;

beforeEach(() => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'performance'] });
  changes = [];
  asked = [];
  names = new DnsCache(
    (change) => changes.push(change),
    () =>
      new Promise((resolve, reject) => {
        asked.push((address) => {
          if (address === undefined) {
            reject(Object.assign(new Error('getaddrinfo ENOTFOUND a'), { code: 'ENOTFOUND' }));
          } else resolve([{ address, family: 4 }]);
        });
      }),
  );
});
afterEach(() => {
  expect(vi.getTimerCount()).toBe(0);
  vi.useRealTimers();
});

/** Looks a name up as `net.connect` does. */
function addressOf(name: string): Promise<string> {
  return new Promise((resolve, reject) => {
    names.lookup(name, { all: true }, (error, addresses) => {
      if (error) reject(error);
      else resolve((addresses as LookupAddress[]).map(({ address }) => address).join());
    });
  });
}

test('the first look-up is waited for, by all who ask', async () => {
  const both = Promise.all([addressOf('a'), addressOf('a')]);
  expect(asked).toHaveLength(1);
  asked[0]?.('10.0.0.1');
  expect(await both).toEqual(['10.0.0.1', '10.0.0.1']);
});

test('after that the last address is given at once, and asked for anew in the background', async () => {
  const first = addressOf('a');
  asked[0]?.('10.0.0.1');
  await first;
  expect(await addressOf('a')).toBe('10.0.0.1');
  expect(asked).toHaveLength(1); // it was fresh
  await vi.advanceTimersByTimeAsync(1000);
  expect(await addressOf('a')).toBe('10.0.0.1');
  expect(asked).toHaveLength(2);
  asked[1]?.('10.0.0.2');
  await vi.advanceTimersByTimeAsync(0);
  expect(await addressOf('a')).toBe('10.0.0.2');
});

test('a name server that fails, or does not answer, changes nothing but is told of, once', async () => {
  const first = addressOf('a');
  asked[0]?.('10.0.0.1');
  await first;
  await vi.advanceTimersByTimeAsync(1000);
  await addressOf('a');
  await vi.advanceTimersByTimeAsync(1000);
  expect(changes).toEqual([
    {
      kind: 'names-failing',
      name: 'a',
      failure: 'the name server has not answered within 1000 ms',
      addresses: ['10.0.0.1'],
    },
  ]);
  asked[1]?.();
  await vi.advanceTimersByTimeAsync(0);
  expect(await addressOf('a')).toBe('10.0.0.1');
  expect(changes).toHaveLength(1);
  asked[2]?.('10.0.0.1');
  await vi.advanceTimersByTimeAsync(0);
  expect(changes.at(-1)).toEqual({
    kind: 'names-back',
    name: 'a',
    addresses: ['10.0.0.1'],
  });
});

test('a name that was never found fails whoever asks, and is asked for again', async () => {
  const first = addressOf('a');
  asked[0]?.();
  await expect(first).rejects.toThrow('ENOTFOUND');
  const second = addressOf('a');
  asked[1]?.('10.0.0.1');
  expect(await second).toBe('10.0.0.1');
});

test('256 names are remembered; the one asked for longest ago makes room', async () => {
  const look = (name: string): void => void addressOf(name);
  for (let index = 0; index < 256; index += 1) look(`n${index}`);
  for (const answer of asked.splice(0)) answer('10.0.0.1');
  await vi.advanceTimersByTimeAsync(0);
  look('n0'); // known, and now the latest
  look('new');
  expect(asked.splice(0)).toHaveLength(1);
  look('n0');
  look('n255');
  expect(asked.splice(0)).toHaveLength(0);
  look('n1'); // forgotten
  expect(asked).toHaveLength(1);
  await vi.advanceTimersByTimeAsync(2_000);
});
