/** Files that are damaged in any way are read to an end, and told in a clause. */
import { closeSync, openSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { Database } from '../../../src/snapshot/file/database.ts';
import { inspectSnapshot } from '../../../src/snapshot/file/inspect.ts';
import { folderWith } from '../config/folder.ts';
import { database } from './encoded.ts';

/** A bucket of buckets with "key", whose only page is its own root again and again if `root` says so. */
function tree(root: number, leaf: { readonly flags: number; readonly count: number }): Buffer {
  const bytes = database(4);
  const page = bytes.subarray(3 * 4_096);
  page.fill(0);
  page.writeUInt16LE(leaf.flags, 8);
  page.writeUInt16LE(leaf.count, 10);
  page.writeUInt32LE(1, 16); // a bucket
  page.writeUInt32LE(16, 20);
  page.writeUInt32LE(3, 24);
  page.writeUInt32LE(16, 28);
  page.write('key', 32);
  page.writeBigUInt64LE(BigInt(root), 35);
  return bytes;
}

function contents(bytes: Buffer) {
  const path = join(folderWith({ 'x.db': '' }), 'x.db');
  writeFileSync(path, bytes);
  const descriptor = openSync(path, 'r');
  try {
    return new Database(descriptor, bytes.length).contents();
  } finally {
    closeSync(descriptor);
  }
}

test('a tree that leads back to itself ends', () => {
  expect(() => contents(tree(3, { flags: 0x02, count: 1 }))).toThrow('a key is not a revision');
  expect(() => contents(tree(3, { flags: 0x01, count: 40 }))).toThrow(
    /circles|leads nowhere|not one of/,
  );
});

test('any bytes behind valid meta pages are read to an end', () => {
  fc.assert(
    fc.property(
      fc.uint8Array({ minLength: 8_192, maxLength: 8_192 }),
      fc.nat(3),
      (noise, flags) => {
        const bytes = tree(2, { flags, count: 1 });
        const behind = bytes.subarray(2 * 4_096);
        for (const [at, byte] of noise.entries()) if (byte > 128) behind.writeUInt8(byte, at);
        try {
          contents(bytes);
        } catch (error) {
          expect((error as Error).message).toMatch(/^(it|its|a|the|page) /);
        }
      },
    ),
    { numRuns: 200 },
  );
});

test('a file of a few bytes is told as what it is', () => {
  const path = join(folderWith({ 'x.db': 'not a database' }), 'x.db');
  expect(inspectSnapshot(path)).toMatchObject({
    size: 14,
    hash: 'none',
    unread: expect.stringContaining('it ends before'),
  });
});
