import { describe, expect, test } from 'vitest';
import { checkLeases, type LeaseStore } from '../../chaos/check/leases.ts';
import type { LeaseRecord, WatchEvent } from '../../chaos/clients/record.ts';

const kept = (asked: number, ttl = 5, at = asked + 10) => ({ asked, at, ttl });
const lease = (answered: LeaseRecord['answered'], lost?: number): LeaseRecord => ({
  ...{ kind: 'lease', holder: 'lease 1', key: 'k', ttl: 5, answered },
  ...(lost !== undefined && { lost }),
});
const deleted = (at: number, key = 'k'): WatchEvent => ({
  ...{ revision: 9, type: 'delete', key, value: '', at },
});
const store = (of: Partial<LeaseStore> = {}): LeaseStore => ({
  ...{ history: [], atEnd: new Map([['k', 'x']]), end: 30_000 },
  ...of,
});
const gone = new Map([['k', null]]);

describe('nothing is found of a lease', () => {
  test.each<[string, LeaseRecord, LeaseStore]>([
    ['that lives', lease([kept(0), kept(2_000)]), store()],
    ['that expired when nothing was answered any more', lease([kept(0)], 5_100), store()],
    ['whose key went with it', lease([kept(0)]), store({ history: [deleted(5_050)], atEnd: gone })],
    ['that ended just in time', lease([kept(0)], 5_000), store()],
    ['that no keep-alive was answered of', lease([], 100), store({ atEnd: gone })],
    ['that is refused when it is over', lease([kept(0), kept(6_000, 0)]), store({ atEnd: gone })],
    ['whose key was not read', lease([kept(29_000)]), store({ atEnd: new Map() })],
    [
      'that is given back after the end',
      lease([kept(29_000)]),
      store({ history: [deleted(30_500)] }),
    ],
    [
      'that an answer gave less, once that is over',
      lease([kept(0, 60), kept(2_000)], 8_000),
      store(),
    ],
    ['when the key of another goes', lease([kept(0)]), store({ history: [deleted(100, 'l')] })],
    [
      'when its key is put',
      lease([kept(0)]),
      store({ history: [{ ...deleted(100), type: 'put', value: 'x' }] }),
    ],
    ['before which another had its key', lease([kept(200)]), store({ history: [deleted(100)] })],
  ])('%s', (_name, one, of) => {
    expect(checkLeases([one], of)).toEqual([]);
  });
});

describe('a finding for a lease', () => {
  const begin = 'The lease of lease 1 with k (5 s) expired too early: ';
  test.each<[string, LeaseRecord, LeaseStore, string, number]>([
    [
      'that is lost too early',
      lease([kept(0), kept(2_000)], 6_900),
      store(),
      'the holder learned that it is lost, 4900.0 ms after a keep-alive was asked that was answered with 5 s.',
      6_900,
    ],
    [
      'whose key goes too early',
      lease([kept(0), kept(2_000)]),
      store({ history: [deleted(6_999)] }),
      'its key was deleted at revision 9, 4999.0 ms after a keep-alive was asked that was answered with 5 s.',
      6_999,
    ],
    [
      'that is refused too early',
      lease([kept(0), kept(2_000, 0)]),
      store(),
      'a keep-alive was answered with 0 s, 2010.0 ms after a keep-alive was asked that was answered with 5 s.',
      2_010,
    ],
    [
      'whose key is gone at the end, without a word',
      lease([kept(0), kept(28_000)]),
      store({ atEnd: gone }),
      'its key was gone at the end, 2000.0 ms after a keep-alive was asked that was answered with 5 s.',
      30_000,
    ],
    [
      'that an answer gave less, though it is lost before that is over',
      lease([kept(2_000, 5), kept(0, 60)], 6_000),
      store(),
      'the holder learned that it is lost, 4000.0 ms after a keep-alive was asked that was answered with 5 s.',
      6_000,
    ],
    [
      'of several signs, by the first that is too early',
      lease([kept(0), kept(28_000)], 28_300),
      store({ history: [deleted(5_500), deleted(28_400)], atEnd: gone }),
      'the holder learned that it is lost, 300.0 ms after a keep-alive was asked that was answered with 5 s.',
      28_300,
    ],
  ])('%s', (_name, one, of, words, at) => {
    expect(checkLeases([one], of)).toEqual([{ check: 'leases', what: begin + words, at }]);
  });
});
