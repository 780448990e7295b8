import fc from 'fast-check';
import { afterEach, expect, test, vi } from 'vitest';
import { OpenStreams } from '../../../../src/proxy/http2/open-streams.ts';

afterEach(() => vi.unstubAllGlobals());

/** Streams are opened with any number above the last, and end in any order. */
const steps = fc.array(
  fc.oneof(
    fc.record({ do: fc.constant('add' as const), gap: fc.nat(70_000), value: fc.integer() }),
    fc.record({ do: fc.constant('delete' as const), index: fc.nat(60) }),
    fc.record({ do: fc.constant('set' as const), index: fc.nat(60), value: fc.integer() }),
  ),
  { maxLength: 400 },
);

test('is as a Map, whatever is added and deleted', () => {
  fc.assert(
    fc.property(steps, (all) => {
      const table = new OpenStreams();
      const map = new Map<number, number>();
      let latest = 0;
      for (const step of all) {
        if (step.do === 'add') {
          latest += step.gap + 1;
          table.add(latest, step.value);
          map.set(latest, step.value);
        } else {
          const [id] = [...map.keys()].slice(step.index);
          if (id === undefined) continue;
          const slot = table.find(id);
          expect(table.valueAt(slot)).toBe(map.get(id));
          if (step.do === 'delete') {
            table.deleteAt(slot);
            map.delete(id);
            expect(table.find(id)).toBe(-1);
          } else {
            table.setAt(slot, step.value);
            map.set(id, step.value);
          }
        }
        expect([table.size, table.latest]).toEqual([map.size, latest]);
        expect(table.newest).toBe([...map.values()].at(-1));
        expect(table.capacity).toBeLessThanOrEqual(Math.max(8, 16 * map.size));
      }
      for (const [id, value] of map) expect(table.valueAt(table.find(id))).toBe(value);
      for (let id = 1; id < 50; id += 1) expect(table.find(id) >= 0).toBe(map.has(id));
      table.clear();
      expect([table.size, table.newest, table.capacity]).toEqual([0, undefined, 0]);
      for (const id of map.keys()) expect(table.find(id)).toBe(-1);
    }),
    { numRuns: 300 },
  );
});

test('thousands at a time, the highest number there is included', () => {
  const table = new OpenStreams();
  for (let id = 1; id < 20_000; id += 2) table.add(id, id);
  table.add(2 ** 31 - 1, 5);
  expect(table.size).toBe(10_001);
  for (let id = 1; id < 20_000; id += 2) expect(table.valueAt(table.find(id))).toBe(id);
  expect(table.valueAt(table.find(2 ** 31 - 1))).toBe(5);
});

test('after a burst the memory is given back, though one stream lasts', () => {
  const table = new OpenStreams();
  for (let id = 1; id < 8_192; id += 2) table.add(id, id);
  expect(table.capacity).toBe(4_096);
  for (let id = 8_191; id > 1; id -= 2) table.deleteAt(table.find(id));
  expect([table.size, table.capacity]).toEqual([1, 8]);
});

test.each([
  ['by twos', 2],
  ['so that they would collide in a table of slots', 65_536],
])('what is looked at for an operation is bounded, numbered %s', (_, gap) => {
  let looks = 0;
  const Plain = Int32Array;
  vi.stubGlobal('Int32Array', function counted(length: number) {
    return new Proxy(new Plain(length), {
      get: (array, key) => {
        if (key !== 'length') looks += 1;
        return Reflect.get(array, key);
      },
    });
  });
  const table = new OpenStreams();
  const streams = 4_096;
  let words = 0;
  const operation = (act: () => void): void => {
    const before = looks;
    act();
    words += 1;
    // One in a while sweeps all places; most look at no more than halving needs.
    expect(looks - before).toBeLessThanOrEqual(3 * 2 * streams);
  };
  for (let index = 1; index <= streams; index += 1) {
    operation(() => table.add(index * gap - 1, index));
    operation(() => table.find(index * gap - 1));
    operation(() => table.find(index * gap + 1));
  }
  for (let round = 0; round < 3; round += 1) {
    for (let index = streams; index > 0; index -= 7) operation(() => table.find(index * gap - 1));
  }
  for (let index = 1; index <= streams; index += 1) {
    operation(() => table.deleteAt(table.find(index * gap - 1)));
  }
  expect(looks / words).toBeLessThanOrEqual(20);
});
