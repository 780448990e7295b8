import { expect, test } from 'vitest';
import { Garbage } from '../../../../src/app/housekeeping/garbage.ts';

/** A heap of which some is young garbage and some is old. */
class FakeHeap {
  readonly collected: string[] = [];
  live = 20_000_000;
  young = 0;
  old = 0;

  used(): number {
    return this.live + this.young + this.old;
  }

  collect(what: 'young' | 'all'): void {
    this.collected.push(what);
    this.young = 0;
    if (what === 'all') this.old = 0;
  }
}

test('is collected once it is worth it, in a quiet moment, and only the young if that is enough', () => {
  const heap = new FakeHeap();
  const garbage = new Garbage(heap);
  let now = 0;
  let open = 0;
  const after = (turnover: number, quiet: boolean, rest = 1_500): string[] => {
    garbage.tick(open, turnover, quiet, now);
    now += rest;
    garbage.tick(open, turnover, quiet, now);
    return heap.collected.splice(0);
  };
  expect(after(0, true)).toEqual(['young', 'all']); // what starting has left, once
  heap.young = 31_999_999;
  expect(after(1, true)).toEqual([]);
  heap.young = 32_000_000;
  expect(after(2, false)).toEqual([]);
  expect(after(3, true, 1_499)).toEqual([]); // more may be on their way
  expect(after(3, true)).toEqual(['young']);
  heap.old = 32_000_000;
  expect(after(4, true)).toEqual(['young', 'all']);
  heap.live += 32_000_000;
  expect(after(5, true)).toEqual(['young', 'all']);
  expect(after(6, true)).toEqual([]); // what is alive is no reason to look again
  heap.old = 32_000_000;
  open = 10_000;
  expect(after(7, true)).toEqual(['young', 'all']);
  open = 8_001;
  expect(after(8, true)).toEqual([]);
  open = 8_000; // their memory still counts as used, so that nothing has grown
  expect(after(9, true)).toEqual(['young', 'all']);
  expect(after(10, true)).toEqual([]);
  open = 9_999;
  expect(after(11, true)).toEqual([]);
  open = 10_000; // as many more: what opening them has left is in the way of every call
  expect(after(12, true)).toEqual(['young', 'all']);
});

test('is collected although others speak, once thousands of sessions have gone', () => {
  const heap = new FakeHeap();
  const garbage = new Garbage(heap);
  const busy = (turnover: number, now: number): string[] => {
    garbage.tick(20, turnover, false, now);
    return heap.collected.splice(0);
  };
  heap.old = 40_000_000;
  expect(busy(3_999, 0)).toEqual([]);
  expect(busy(3_999, 60_000)).toEqual([]); // a few come and go all the time
  expect(busy(4_000, 61_000)).toEqual([]);
  expect(busy(4_000, 65_999)).toEqual([]); // more may be on their way
  expect(busy(4_000, 66_000)).toEqual(['young', 'all']);
  heap.old = 40_000_000;
  expect(busy(7_999, 70_000)).toEqual([]);
  expect(busy(7_999, 90_000)).toEqual([]);
});

test('is collected by V8 itself', () => {
  const garbage = new Garbage();
  let kept: unknown[] | undefined = Array.from({ length: 1_000_000 }, () => ({ at: 0, and: [0] }));
  const gone = new WeakRef(kept);
  kept = undefined;
  return new Promise<void>((resolve) => {
    // A WeakRef keeps its target until the end of the turn that made it.
    setTimeout(() => {
      garbage.tick(0, 1, true, 0);
      garbage.tick(0, 1, true, 1_500);
      expect(gone.deref()).toBeUndefined();
      resolve();
    });
  });
});
