import fc from 'fast-check';
import { expect, test } from 'vitest';
import { keyOf, type Place } from '../../../src/members/place.ts';
import { Roster } from '../../../src/members/roster.ts';

interface Listed {
  readonly place: Place;
}

const at = (host: string, name = host): Place => ({ name, scheme: 'http', host, port: 2379 });

function rosterOf(places: readonly Place[]) {
  const told: string[] = [];
  const roster = new Roster<Listed>(places, {
    admit: (place) => ({ place }),
    revise: (_, place) => ({ place }),
    onJoin: ({ place }) => told.push(`+${place.name}`),
    onRevise: (revised) =>
      told.push(...revised.map(({ member, before }) => `${before}=${member.place.name}`)),
    onLeave: ({ place }) => told.push(`-${place.name}`),
  });
  return { roster, told, names: () => roster.members.map(({ place }) => place.name) };
}

test('who stays is the same object, who is new joins before the others leave', () => {
  const { roster, told, names } = rosterOf([at('a'), at('b')]);
  const [, b] = roster.members;
  roster.set([at('b'), at('c')]);
  expect(told).toEqual(['+c', '-a']);
  expect(names()).toEqual(['b', 'c']);
  expect(roster.members[0]).toBe(b);
});

test('the same list again changes nothing, nor does an empty one', () => {
  const { roster, told, names } = rosterOf([at('a'), at('b')]);
  roster.set([at('b'), at('a')]);
  roster.set([]);
  expect(told).toEqual([]);
  expect(names()).toEqual(['a', 'b']);
});

test('who is called otherwise is revised, also where two have changed names', () => {
  const { roster, told, names } = rosterOf([at('a'), at('b'), at('c')]);
  const [, , c] = roster.members;
  roster.set([at('a', 'b'), at('b', 'a'), at('c')]);
  expect(told).toEqual(['a=b', 'b=a']);
  expect(names()).toEqual(['b', 'a', 'c']);
  expect(roster.members[2]).toBe(c);
});

test('who has another weight or class is revised', () => {
  const { roster, told } = rosterOf([{ ...at('a'), weight: 1, priority: 10 }]);
  roster.set([{ ...at('a'), weight: 2, priority: 10 }]);
  roster.set([{ ...at('a'), weight: 2, priority: 20 }]);
  expect(told).toEqual(['a=a', 'a=a']);
  expect(roster.members[0]?.place).toMatchObject({ weight: 2, priority: 20 });
});

test('no two have one name', () => {
  const { roster, told, names } = rosterOf([at('10.0.0.1', 'm'), at('10.0.0.2', 'm')]);
  expect(names()).toEqual(['m', 'm@10.0.0.2:2379']);
  roster.set([at('10.0.0.2', 'm'), at('10.0.0.1', 'm')]);
  expect(told).toEqual([]);
  roster.set([at('10.0.0.1', 'm'), at('10.0.0.3', 'm')]);
  expect(names()).toEqual(['m', 'm@10.0.0.3:2379']);
});

test('an address of a name is another member than the name, and than another address of it', () => {
  const { roster, told } = rosterOf([at('etcd')]);
  roster.set(['10.0.0.1', '10.0.0.2'].map((address) => ({ ...at('etcd', address), address })));
  expect(told).toEqual(['+10.0.0.1', '+10.0.0.2', '-etcd']);
});

const lists = fc.array(
  fc.array(
    fc.record({ host: fc.constantFrom('a', 'b', 'c', 'd'), name: fc.constantFrom('x', 'y') }),
  ),
);

test('whatever comes: those there are, are those that were told of, each once and with a name of its own', () => {
  fc.assert(
    fc.property(lists, (all) => {
      const present = new Map<string, Listed>();
      const roster = new Roster<Listed>([], {
        admit: (place) => ({ place }),
        revise: (_, place) => ({ place }),
        onRevise: (revised) => {
          for (const { member, before } of revised) {
            expect(present.get(keyOf(member.place))?.place.name).toBe(before);
            present.set(keyOf(member.place), member);
          }
        },
        onJoin: (member) => {
          expect(present.has(keyOf(member.place))).toBe(false);
          present.set(keyOf(member.place), member);
        },
        onLeave: (member) => expect(present.delete(keyOf(member.place))).toBe(true),
      });
      for (const list of all) {
        roster.set(list.map(({ host, name }) => at(host, name)));
        expect(new Set(roster.members)).toEqual(new Set(present.values()));
        const names = roster.members.map(({ place }) => place.name);
        expect(new Set(names).size).toBe(names.length);
      }
    }),
  );
});
