/** Which members follow from what the sources have said, whatever that is. fast-check prints the seed of what fails. */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { mostMembers } from '../../../../src/etcd/status/member-status.ts';
import { resolve, type Sources, seedsOf } from '../../../../src/members/discovery/resolve.ts';
import { addressOf, keyOf, type Place } from '../../../../src/members/place.ts';

const at = (host: string): Place => ({ name: host, scheme: 'http', host, port: 2379 });
const host = fc.integer({ min: 1, max: 9 }).map((n) => `10.0.0.${n}`);
const places = fc.uniqueArray(fc.oneof(host, fc.constantFrom('a', 'b')).map(at), {
  ...{ selector: keyOf, maxLength: 6 },
});
const known = fc.uniqueArray(
  fc.record({
    place: host.map(at),
    memberId: fc.option(fc.constantFrom('1', '2', '3'), { nil: undefined }),
    ...{ isForeign: fc.boolean(), healthy: fc.boolean() },
  }),
  { selector: ({ place }) => keyOf(place) },
);
const list = fc.uniqueArray(
  fc.record({
    ...{ id: fc.constantFrom('1', '2', '3'), name: fc.constantFrom('', 'x') },
    clientUrls: fc.array(
      host.map((each) => `http://${each}:2379`),
      { maxLength: 2 },
    ),
    isLearner: fc.boolean(),
  }),
  { selector: ({ id }) => id },
);
/** Hosts that have several addresses. */
const shared = fc.dictionary(fc.constantFrom('a', 'b'), fc.uniqueArray(host, { maxLength: 40 }));

/** Without a list that was taken before. */
const begun: fc.Arbitrary<Sources> = fc
  .record({
    ...{ endpoints: places, saved: places, srv: fc.option(places, { nil: undefined }) },
    ...{ shared, list, known, followsCluster: fc.boolean() },
  })
  .map(({ shared: addresses, srv, followsCluster, ...rest }) => ({
    ...rest,
    ...(srv && { srv }),
    // Nobody asks a cluster that is not followed.
    ...(!followsCluster && { list: [], known: [] }),
    followsCluster,
    addressesOf: (name) => addresses[name] ?? [],
  }));
/** After some list or none. */
const sources: fc.Arbitrary<Sources> = fc
  .tuple(begun, fc.option(fc.record({ places: places, at: fc.nat(60_000) }), { nil: undefined }))
  .map(([all, listed]) => ({
    ...all,
    listed: all.followsCluster && listed && listed.places.length > 0 ? listed : undefined,
  }));

const keys = (some: readonly Place[]): string[] => some.map(keyOf);
const check = (property: (all: Sources, now: number) => void): void =>
  fc.assert(fc.property(sources, fc.integer({ min: 60_000, max: 120_000 }), property), {
    numRuns: 1_000,
  });

test('what is resolved again without news is the same', () => {
  check(({ saved: _, ...rest }, now) => {
    const all = { ...rest, saved: [] }; // it gives way once others are named
    const first = resolve(all, now);
    expect(resolve({ ...all, listed: first.listed }, now)).toEqual(first);
  });
});

test('settings are members as long as the cluster is not followed, with the addresses that they share', () => {
  check((all, now) => {
    const found = keys(
      resolve({ ...all, followsCluster: false, list: [], listed: undefined }, now).places,
    );
    for (const place of all.endpoints) {
      const addresses = all.addressesOf(place.host);
      if (addresses.length === 0) expect(found).toContain(keyOf(place));
      for (const address of addresses) expect(found).toContain(keyOf({ ...place, address }));
    }
  });
});

test('nobody is a member whom no source has named', () => {
  check((all, now) => {
    const named = new Set([
      ...[...all.endpoints, ...(all.srv ?? []), ...all.saved].flatMap((place) => [
        addressOf(place),
        ...all.addressesOf(place.host).map((address) => addressOf({ ...place, address })),
      ]),
      ...(all.listed?.places ?? []).map(addressOf),
      ...all.list.flatMap(({ clientUrls }) => clientUrls.map((url) => new URL(url).host)),
      ...all.known.map(({ place }) => addressOf(place)),
    ]);
    for (const place of resolve(all, now).places) expect(named).toContain(addressOf(place));
  });
});

test('members are live when somebody alive has named them, and only then', () => {
  check((all, now) => {
    const { isLive, listed } = resolve(all, now);
    if (!all.followsCluster) expect(isLive).toBe(all.srv !== undefined);
    else expect(isLive).toBe(listed !== undefined && listed !== all.listed);
    if (listed !== undefined) expect(listed.places.length).toBeGreaterThan(0);
  });
});

test('the members of an earlier run are seeds until somebody alive has named the members', () => {
  check((all) => {
    const seeds = seedsOf(all).map(addressOf);
    const isNamed = (all.followsCluster ? all.listed : all.srv) !== undefined;
    const without = seedsOf({ ...all, saved: [] }).map(addressOf);
    const old = all.saved.map(addressOf);
    expect(new Set(seeds)).toEqual(new Set(isNamed ? without : [...without, ...old]));
  });
});

test('there are too many when there are more than settings name and a cluster has', () => {
  check((all, now) => {
    const { places: found, areTooMany, most } = resolve(all, now);
    expect(most).toBe(all.endpoints.length + mostMembers);
    expect(areTooMany).toBe(found.length > most);
  });
});

test('without a list nothing is said of what is misadvertised', () => {
  check((all, now) => {
    expect(resolve(all, now).misadvertised === undefined).toBe(all.list.length === 0);
  });
});

describe('a list that was taken', () => {
  const listed = { places: [at('10.0.0.1')], at: 60_000 };
  const base: Sources = {
    ...{ endpoints: [at('10.0.0.2')], saved: [at('10.0.0.3')], listed, list: [] },
    ...{ followsCluster: true, addressesOf: () => [] },
    known: [{ place: at('10.0.0.1'), isForeign: false, healthy: false }],
  };
  const found = (all: Sources, now: number) =>
    resolve(all, now).places.map(({ host: each }) => each);

  test.each([
    ['holds while somebody is healthy', true, 120_000, ['10.0.0.1']],
    ['holds for a while when nobody is', false, 89_999, ['10.0.0.1']],
    ['is joined by the seeds after that', false, 90_000, ['10.0.0.1', '10.0.0.2']],
  ])('%s', (_, healthy, now, expected) => {
    const all = { ...base, known: base.known.map((each) => ({ ...each, healthy })) };
    expect(found(all, now)).toEqual(expected);
  });
});
