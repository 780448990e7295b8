/** Who the members are, from what the cluster lists and what is known of those there are. */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { ListedMember } from '../../../../src/etcd/status/member-status.ts';
import {
  type KnownMember,
  type Plan,
  planMembers,
} from '../../../../src/members/discovery/plan.ts';
import { keyOf, type Place } from '../../../../src/members/place.ts';

const at = (host: string, name = `${host}:2379`): Place => ({
  ...{ name, scheme: 'http', host, port: 2379 },
});

function listed(id: string, ...urls: readonly string[]): ListedMember {
  return { id, name: `etcd-${id}`, clientUrls: urls, isLearner: false };
}

/** Whether a setting or DNS names it, too. */
interface Known extends KnownMember {
  readonly isSeed: boolean;
}

function known(place: Place, memberId?: string, more: Partial<Known> = {}): Known {
  return {
    place,
    isSeed: true,
    memberId,
    isForeign: false,
    healthy: memberId !== undefined,
    ...more,
  };
}

function planOf(list: readonly ListedMember[], all: readonly Known[]): Plan {
  const seeds = all.filter(({ isSeed }) => isSeed).map(({ place }) => place);
  return planMembers(list, all, seeds);
}

/** `10.0.0.1:2379` and so on: where connections go under the plan. */
function places(list: readonly ListedMember[], all: readonly Known[]): string[] {
  return planOf(list, all).places.map(({ host, port }) => `${host}:${port}`);
}

const three = [1, 2, 3].map((n) => listed(`${n}`, `http://10.0.0.${n}:2379`));

test('from one seed the others are found, under the names they have in the cluster', () => {
  const plan = planOf(three, [known(at('10.0.0.1'), '1')]);
  expect(plan.places.map(({ name }) => name)).toEqual(['10.0.0.1:2379', 'etcd-2', 'etcd-3']);
  expect(plan.misadvertised).toEqual([]);
});

test('a member that answers at its seed stays there, whatever it advertises', () => {
  const seed = known(at('etcd.example'), '1');
  expect(places(three, [seed])).toEqual(['etcd.example:2379', '10.0.0.2:2379', '10.0.0.3:2379']);
});

test('while it does not, where it advertises is tried as well', () => {
  const seed = known(at('etcd.example'), '1', { healthy: false });
  expect(places(three.slice(0, 1), [seed])).toEqual(['etcd.example:2379', '10.0.0.1:2379']);
});

test('another address of a listed member replaces the one before', () => {
  const before = known(at('10.0.0.9'), '1', { isSeed: false, healthy: false });
  expect(places(three.slice(0, 1), [before])).toEqual(['10.0.0.1:2379']);
});

test('who is not listed any more is no member, seed or not', () => {
  const all = [1, 2, 4].map((n) => known(at(`10.0.0.${n}`), `${n}`));
  expect(places(three, all)).toEqual(['10.0.0.1:2379', '10.0.0.2:2379', '10.0.0.3:2379']);
});

test('a seed that never said who it is stays while somebody listed does not answer', () => {
  const silent = known(at('10.0.0.7'));
  const all = [1, 2].map((n) => known(at(`10.0.0.${n}`), `${n}`));
  expect(places(three, [...all, silent])).toContain('10.0.0.7:2379');
  expect(places(three, [...all, known(at('10.0.0.3'), '3'), silent])).not.toContain(
    '10.0.0.7:2379',
  );
});

test('a seed of another cluster stays, so that the mistake is seen', () => {
  const foreign = known(at('10.0.0.7'), '9', { isForeign: true });
  expect(places(three, [known(at('10.0.0.1'), '1'), foreign])).toContain('10.0.0.7:2379');
});

test('who was never started has no place, a learner has one and is known as such', () => {
  const unstarted = { id: '4', name: '', clientUrls: [], isLearner: false };
  const learner = { ...listed('5', 'http://10.0.0.5:2379'), isLearner: true };
  const plan = planOf([...three, unstarted, learner], [known(at('10.0.0.1'), '1')]);
  expect(plan.places).toHaveLength(4);
  expect(plan.places.at(-1)).toMatchObject({ host: '10.0.0.5', isLearner: true });
});

test('an empty list, or one that names nobody, gives no plan', () => {
  expect(places([], [known(at('10.0.0.1'), '1')])).toEqual([]);
  const unstarted = { id: '4', name: '', clientUrls: [], isLearner: false };
  expect(places([unstarted], [known(at('10.0.0.1'))])).toEqual([]);
});

describe('an advertised URL is not used', () => {
  const first = known(at('10.0.0.1'), '1');
  test.each([
    ['http://127.0.0.1:2379', 'http://127.0.0.1:2379 is reached on its own host only'],
    ['http://localhost:2379', 'http://localhost:2379 is reached on its own host only'],
    ['http://[::1]:2379', 'http://[::1]:2379 is reached on its own host only'],
    ['http://0.0.0.0:2379', 'http://0.0.0.0:2379 is not an address that anybody can reach'],
    ['https://10.0.0.2:2379', 'https://10.0.0.2:2379 is not http, which the others speak'],
    ['unix:///run/etcd', 'unix:///run/etcd is not an address that anybody can reach'],
    ['http://10.0.0.1:2379', 'http://10.0.0.1:2379 is the address of 10.0.0.1:2379'],
  ])('%s', (url, why) => {
    const plan = planOf([three[0] as ListedMember, listed('2', url)], [first]);
    expect(plan.places).toHaveLength(1);
    expect(plan.misadvertised).toEqual([{ name: 'etcd-2', urls: [url], why, usedAt: undefined }]);
  });

  test('if it is the same as that of another', () => {
    const twin = listed('2', 'http://10.0.0.3:2379');
    const plan = planOf([...three.slice(2), twin], [first]);
    expect(plan.misadvertised).toMatchObject([
      { why: 'http://10.0.0.3:2379 is the address of etcd-3' },
    ]);
  });

  test('but the seed where that member answers is, and a second URL that is good', () => {
    const seed = known(at('10.0.0.2'), '2');
    const liar = listed('2', 'http://127.0.0.1:2379');
    expect(planOf([liar], [first, seed])).toMatchObject({
      places: [{ host: '10.0.0.2' }],
      misadvertised: [{ usedAt: '10.0.0.2:2379' }],
    });
    const both = listed('2', 'http://127.0.0.1:2379', 'http://10.0.0.2:2379');
    expect(planOf([both], [first]).misadvertised).toEqual([]);
  });

  test('unless all of it is on this host', () => {
    const here = known(at('127.0.0.1'), '1');
    expect(places([listed('2', 'http://127.0.0.1:2380')], [here])).toEqual(['127.0.0.1:2380']);
  });
});

const ids = fc.constantFrom('1', '2', '3', '4');
const hosts = fc.integer({ min: 1, max: 6 }).map((n) => `10.0.0.${n}`);
const anyList = fc.uniqueArray(
  fc.record({
    id: ids,
    name: fc.constantFrom('', 'a', 'b'),
    clientUrls: fc.array(
      hosts.map((host) => `http://${host}:2379`),
      { maxLength: 2 },
    ),
    isLearner: fc.boolean(),
  }),
  { selector: ({ id }) => id },
);
const anyKnown = fc.uniqueArray(
  fc.record({
    place: hosts.map((host) => at(host)),
    isSeed: fc.boolean(),
    memberId: fc.option(ids, { nil: undefined }),
    isForeign: fc.constant(false),
    healthy: fc.boolean(),
  }),
  { selector: ({ place }) => keyOf(place) },
);

test('whatever is listed: who answers as a listed member keeps its place, and nobody else is planned that is not listed', () => {
  fc.assert(
    fc.property(anyList, anyKnown, (list, all) => {
      const plan = new Set(planOf(list, all).places.map(keyOf));
      const started = list.filter(({ name, clientUrls }) => name !== '' || clientUrls.length > 0);
      for (const { id } of started) {
        const working = all.find((each) => each.healthy && each.memberId === id);
        if (working !== undefined) expect(plan).toContain(keyOf(working.place));
      }
      const advertised = list.flatMap(({ clientUrls }) => clientUrls);
      for (const key of plan) {
        const here = all.find(({ place }) => keyOf(place) === key);
        const isListed = started.some(({ id }) => id === here?.memberId);
        expect(isListed || advertised.includes(key) || here?.memberId === undefined).toBe(true);
      }
    }),
  );
});
