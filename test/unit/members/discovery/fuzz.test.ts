/**
 * Whatever DNS and members name: places that can be connected to, no more than are taken, each with a name of
 * its own. fast-check prints the seed of what fails.
 */
import type { SrvRecord } from 'node:dns';
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { formatEndpoint, parseEndpoints } from '../../../../src/config/values/endpoint.ts';
import {
  type ListedMember,
  mostMembers,
  statusOf,
} from '../../../../src/etcd/status/member-status.ts';
import { Discovery } from '../../../../src/members/discovery/discovery.ts';
import { type KnownMember, planMembers } from '../../../../src/members/discovery/plan.ts';
import { findSrvMembers } from '../../../../src/members/discovery/srv.ts';
import { addressOf, keyOf, type Place } from '../../../../src/members/place.ts';
import { Roster } from '../../../../src/members/roster.ts';

/** Everything that is done with a place needs it to be an address. */
function expectReachable(place: Place): void {
  expect(parseEndpoints(formatEndpoint(place), 'http')).toHaveLength(1);
  expect(() => new URL(`${place.scheme}://${addressOf(place)}`)).not.toThrow();
}

/** The members that are made of places. */
function rosterOf(places: readonly Place[]): Roster<{ readonly place: Place }> {
  return new Roster<{ readonly place: Place }>(places, {
    admit: (place) => ({ place }),
    revise: (_, place) => ({ place }),
    onRevise: () => {},
    onJoin: () => {},
    onLeave: () => {},
  });
}

const noise = fc.string({ unit: 'binary', maxLength: 12 });
const host = fc.oneof(
  fc.constantFrom(
    'a',
    'b',
    'A.',
    'etcd-0.example',
    '',
    '.',
    '..',
    '-',
    '10.0.0.1',
    '0.0.0.0',
    '::',
  ),
  fc.constantFrom('fd00::1', '[fd00::1]', 'a b', 'a,b', 'a/b', 'u:p@a', 'm0=a', '10.0.0.256', '\0'),
  fc.domain(),
  noise,
);
const record: fc.Arbitrary<SrvRecord> = fc.record({
  name: host,
  port: fc.oneof(fc.constant(2379), fc.integer({ min: 0, max: 65_535 })),
  priority: fc.integer({ min: 0, max: 65_535 }),
  weight: fc.integer({ min: 0, max: 65_535 }),
});
const records = fc.array(record, { maxLength: 40, size: 'max' });

const url = fc.oneof(
  host.map((at) => `http://${at}:2379`),
  fc.constantFrom('http://10.0.0.1:2379', 'https://10.0.0.2:2379', 'unix:///run/etcd', '', ','),
  noise,
);
const id = fc.constantFrom('1', '2', '3', 'abc');
const listed: fc.Arbitrary<ListedMember> = fc.record({
  id,
  name: fc.oneof(fc.constantFrom('', 'a', 'b'), noise),
  clientUrls: fc.array(url, { maxLength: 4 }),
  isLearner: fc.boolean(),
});
const place: fc.Arbitrary<Place> = fc
  .integer({ min: 1, max: 5 })
  .map((n) => ({ name: `m${n}`, scheme: 'http', host: `10.0.0.${n}`, port: 2379 }));
const known: fc.Arbitrary<KnownMember> = fc.record({
  place,
  memberId: fc.option(id, { nil: undefined }),
  isForeign: fc.boolean(),
  healthy: fc.boolean(),
});

test('SRV records: places, or one clause why there is none', async () => {
  await fc.assert(
    fc.asyncProperty(records, async (answer) => {
      const found = await findSrvMembers('example.com', ['http'], async () => answer).catch(
        (error: Error) => error,
      );
      if (found instanceof Error) {
        expect(found.message).toMatch(/^_etcd-client\._tcp\.example\.com [\x20-\x7e]+$/);
        return;
      }
      expect(found.length).toBeGreaterThan(0);
      expect(found.length).toBeLessThanOrEqual(mostMembers);
      for (const each of found) expectReachable(each);
    }),
    { numRuns: 1_000 },
  );
});

test('a member list: places, or why a member has none', () => {
  fc.assert(
    fc.property(
      fc.array(listed, { maxLength: 8 }),
      fc.array(known),
      fc.array(place),
      (list, all, seeds) => {
        const { places, misadvertised } = planMembers(list, all, seeds);
        for (const each of places) expectReachable(each);
        for (const { why } of misadvertised) expect(why).toMatch(/./);
        const names = rosterOf(places).members.map((member) => member.place.name);
        expect(new Set(names).size).toBe(names.length);
      },
    ),
    { numRuns: 1_000 },
  );
});

test('what a member says of itself: a status, or one clause why there are none', () => {
  const number = fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }).map(String);
  const alarm = fc.oneof(
    noise,
    number.map((who) => `memberID:${who} alarm:NOSPACE `),
  );
  const status = fc.record({
    header: fc.record({
      ...{ cluster_id: number, member_id: number, revision: number, raft_term: number },
    }),
    version: noise,
    ...{ dbSize: number, dbSizeInUse: number, leader: number },
    ...{ raftIndex: number, raftTerm: number, raftAppliedIndex: number },
    errors: fc.array(alarm, { maxLength: 300 }),
    isLearner: fc.boolean(),
  });
  const member = fc.record({
    ...{ ID: number, name: noise, isLearner: fc.boolean() },
    ...{ peerURLs: fc.array(noise), clientURLs: fc.array(noise, { maxLength: 60, size: 'max' }) },
  });
  const members = fc.array(member, { maxLength: 60, size: '+1' });
  fc.assert(
    fc.property(status, members, (answer, list) => {
      try {
        const status = statusOf(answer, list, { at: 0, duration: 0 });
        expect(status.members.length).toBeLessThanOrEqual(mostMembers);
      } catch (error) {
        expect((error as Error).message).toMatch(/^it (lists|names) \d+|^it lists a member/);
      }
    }),
    { numRuns: 300 },
  );
});

describe('all of it, as it comes and goes', () => {
  beforeEach(() => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'performance'] });
  });
  afterEach(() => {
    expect(vi.getTimerCount()).toBe(0);
    vi.useRealTimers();
  });

  const step = fc.record({
    srv: fc.option(records, { nil: undefined }),
    addresses: fc.array(fc.oneof(fc.ipV4(), fc.ipV6()), { maxLength: 40, size: 'max' }),
    list: fc.array(listed, { maxLength: mostMembers }),
    known: fc.array(known, { maxLength: 6 }),
  });

  test('there are never more members than are taken, nor none after there were some', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(step, { minLength: 1, maxLength: 4 }),
        fc.boolean(),
        async (steps, followsCluster) => {
          let [now] = steps as [(typeof steps)[number]];
          const stop = new AbortController();
          const endpoint: Place = { name: 'm0', scheme: 'http', host: 'etcd', port: 2379 };
          const discovery = new Discovery({
            endpoints: [endpoint],
            srvDomain: 'example.com',
            schemes: ['http'],
            followsCluster,
            dns: {
              lookup: async () => now.addresses,
              ttl: async () => 1,
              srv: async () => {
                if (now.srv === undefined) throw new Error('no answer');
                return now.srv;
              },
            },
            known: () => now.known,
            list: () => now.list,
            onPlaces: (places) => {
              for (const each of places) expectReachable(each);
              roster.set(places);
            },
            onChange: () => {},
            onNameChange: () => {},
          });
          const roster = rosterOf(discovery.begin());
          discovery.start(stop.signal);
          for (const each of steps) {
            now = each;
            await vi.advanceTimersByTimeAsync(10_000);
            discovery.consider();
            const { members } = roster;
            expect(members.length).toBeGreaterThan(0);
            expect(members.length).toBeLessThanOrEqual(1 + mostMembers);
            expect(new Set(members.map((member) => keyOf(member.place))).size).toBe(members.length);
          }
          stop.abort();
        },
      ),
      { numRuns: 200 },
    );
  });
});
