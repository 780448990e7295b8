import fc from 'fast-check';
import { expect, test } from 'vitest';
import { nameOf, newestOf, surplusOf, timeOf } from '../../../src/snapshot/schedule/folder.ts';

test('a name says when the snapshot was begun, to the second', () => {
  expect(nameOf(Date.UTC(2026, 10, 26, 15, 4, 5, 678))).toBe('etcd-20261126T150405Z.db');
  fc.assert(
    fc.property(fc.integer({ min: 0, max: 4e12 }), (at) => {
      expect(timeOf(nameOf(at))).toBe(Math.floor(at / 1_000) * 1_000);
    }),
  );
});

test('the oldest are too many, and files of others are left alone', () => {
  const names = [3, 1, 5, 2, 4].map((day) => nameOf(Date.UTC(2026, 0, day)));
  const others = [
    'etcd.db',
    'etcd-20260101T000000Z.db.gz',
    '.etcd-20260101T000000Z.db.x.etcd-lb.part',
  ];
  expect(surplusOf([...names, ...others], 3)).toEqual(
    [2, 1].map((day) => nameOf(Date.UTC(2026, 0, day))),
  );
  expect(newestOf([...names, ...others])).toBe(Date.UTC(2026, 0, 5));
  expect(newestOf(others)).toBeUndefined();
});
