/** Writes what etcd writes, for tests of what reads it: messages of gRPC, and small snapshots. */
import { createHash } from 'node:crypto';

/** A protobuf varint. */
function varint(value: number): Buffer {
  const bytes: number[] = [];
  let rest = value;
  do {
    bytes.push((rest % 128) + (rest >= 128 ? 128 : 0));
    rest = Math.floor(rest / 128);
  } while (rest > 0);
  return Buffer.from(bytes);
}

const tag = (field: number, wireType: 0 | 2): Buffer => varint(field * 8 + wireType);

/** A `SnapshotResponse` in its gRPC frame; with a header and a version, as etcd 3.6 sends them, if asked for. */
export function message(remaining: number, blob: Buffer, isRich = false): Buffer {
  const extra = Buffer.from('0801', 'hex');
  const parts = [
    ...(isRich ? [tag(1, 2), varint(extra.length), extra] : []),
    ...(remaining === 0 ? [] : [tag(2, 0), varint(remaining)]), // proto3 leaves zeros out
    ...(blob.length === 0 ? [] : [tag(3, 2), varint(blob.length), blob]),
    ...(isRich ? [tag(4, 2), varint(3), Buffer.from('3.6')] : []),
  ];
  const body = Buffer.concat(parts);
  const head = Buffer.alloc(5);
  head.writeUInt32BE(body.length, 1);
  return Buffer.concat([head, body]);
}

/** The messages of a snapshot, `size` bytes of the database in each, and then its hash. */
export function messagesOf(database: Buffer, size: number, isRich = false): Buffer {
  const messages: Buffer[] = [];
  for (let at = 0; at < database.length; at += size) {
    const blob = database.subarray(at, at + size);
    messages.push(message(database.length - at - blob.length, blob, isRich));
  }
  const hash = createHash('sha256').update(database).digest();
  return Buffer.concat([...messages, message(0, hash, isRich)]);
}

/** A database of `pages` pages: two meta pages and nothing that can be walked. */
export function database(pages = 4, pageSize = 4_096): Buffer {
  const bytes = Buffer.alloc(pages * pageSize, 0x5a);
  for (const [index, transaction] of [2n, 1n].entries()) {
    const meta = bytes.subarray(index * pageSize + 16);
    meta.writeUInt32LE(0xed0cdaed, 0);
    meta.writeUInt32LE(2, 4);
    meta.writeUInt32LE(pageSize, 8);
    meta.writeUInt32LE(0, 12);
    for (const [at, value] of [3n, 0n, 2n, BigInt(pages), transaction].entries()) {
      meta.writeBigUInt64LE(value, 16 + 8 * at);
    }
    let hash = 0xcbf29ce484222325n;
    for (const byte of meta.subarray(0, 56)) {
      hash = BigInt.asUintN(64, (hash ^ BigInt(byte)) * 0x100000001b3n);
    }
    meta.writeBigUInt64LE(hash, 56);
  }
  return bytes;
}

/** Cuts bytes at these places. */
export function cut(bytes: Buffer, places: readonly number[]): Buffer[] {
  const sorted = [...new Set(places.map((place) => place % bytes.length))].sort((a, b) => a - b);
  return [0, ...sorted].map((at, index) => bytes.subarray(at, sorted[index]));
}
