import fc from 'fast-check';
import { expect, test } from 'vitest';
import { OpenStreams } from '../../../src/proxy/open-streams.ts';

test('is as a Map, whatever is added and deleted', () => {
  const words = fc.array(
    fc.record({ id: fc.integer({ min: 1, max: 60 }), value: fc.integer({ min: -9, max: 9 }) }),
    { maxLength: 300 },
  );
  fc.assert(
    fc.property(words, fc.nat(3), (steps, spread) => {
      const table = new OpenStreams();
      const map = new Map<number, number>();
      for (const { id: drawn, value } of steps) {
        const id = drawn * 4 ** spread; // many that want the same slot
        const slot = table.find(id);
        expect(slot >= 0).toBe(map.has(id));
        if (slot < 0) {
          table.add(id, value);
          map.set(id, value);
        } else if (value > 3) {
          table.setAt(slot, value);
          map.set(id, value);
        } else {
          expect(table.valueAt(slot)).toBe(map.get(id));
          table.deleteAt(slot);
          map.delete(id);
        }
        expect(table.size).toBe(map.size);
      }
      for (const [id, value] of map) expect(table.valueAt(table.find(id))).toBe(value);
      const negative = (value: number): boolean => value < 0;
      expect(table.some(negative)).toBe([...map.values()].some(negative));
      table.clear();
      expect([table.size, table.some(() => true)]).toEqual([0, false]);
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
