/**
 * The format of a snapshot: a bbolt database, and the SHA-256 of it behind.
 *
 *   page 0 and 1: meta     other pages: branches, leaves, freelist     32 bytes: SHA-256 of all before
 *
 * Owns what can be said from the first and the last bytes. Sources: "Snapshot" in etcd's maintenance service
 * (server/etcdserver/api/v3rpc/maintenance.go) appends the hash; bbolt's page.go and db.go have the layout of pages.
 * Pure.
 */

/** Bytes of a SHA-256. */
export const hashSize = 32;
/** Bytes that `pageSizeOf` needs. */
export const metaSize = 80;

/** In front of every page: id 8, flags 2, count 2, overflow 4. */
export const pageHead = 16;
const magic = 0xed0cdaed;
const version = 2;
/** What etcd makes its databases a multiple of; its own tools tell a hash by it. */
const block = 512;

/** What a meta page says. Page ids count pages from 0. */
export interface Meta {
  /** Bytes. */
  readonly pageSize: number;
  /** The page of the bucket of buckets. */
  readonly root: number;
  /** How many pages are in use: the file is no shorter. */
  readonly pages: number;
  readonly transaction: bigint;
}

/** Reads a meta page. Throws one clause where it is none. */
export function readMeta(page: Buffer): Meta {
  if (page.length < metaSize) throw new Error('it is too short for a database');
  if (page.readUInt32LE(pageHead) !== magic) throw new Error('it is not a bbolt database');
  const found = page.readUInt32LE(pageHead + 4);
  if (found !== version)
    throw new Error(`its format is version ${found}, and only ${version} is known`);
  const meta = page.subarray(pageHead, pageHead + 64);
  if (meta.readBigUInt64LE(56) !== fnv64a(meta.subarray(0, 56))) {
    throw new Error('its first page does not have the checksum that it names');
  }
  const pageSize = meta.readUInt32LE(8);
  if (pageSize < block || pageSize % block !== 0)
    throw new Error(`pages of ${pageSize} bytes cannot be`);
  return {
    pageSize,
    root: Number(meta.readBigUInt64LE(16)),
    pages: Number(meta.readBigUInt64LE(40)),
    transaction: meta.readBigUInt64LE(48),
  };
}

/** Is there a hash behind a database of `size` bytes? By the rule of etcd's own tools. */
export function hasHash(size: number): boolean {
  return size % block === hashSize;
}

/** FNV-1a with 64 bits, as bbolt has it. */
function fnv64a(bytes: Buffer): bigint {
  let hash = 0xcbf29ce484222325n;
  for (const byte of bytes) hash = BigInt.asUintN(64, (hash ^ BigInt(byte)) * 0x100000001b3n);
  return hash;
}
