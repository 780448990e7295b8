/**
 * Verifies a snapshot file without etcd's tools: its size, the hash behind it, and what its pages hold. Memory does not grow
 * with its size.
 */
import { createHash } from 'node:crypto';
import { closeSync, fstatSync, openSync, readSync } from 'node:fs';
import { type Contents, Database } from './database.ts';
import { hasHash, hashSize } from './format.ts';

export interface SnapshotReport {
  /** Bytes of the file. */
  readonly size: number;
  /** `none`: a copy of a data directory's file has no hash behind it. */
  readonly hash: 'matches' | 'differs' | 'none';
  /** SHA-256 of the database, hexadecimal. */
  readonly sha256: string;
  /** What the pages hold; absent where they cannot be read. */
  readonly contents?: Contents;
  /** Why the pages cannot be read, one clause. */
  readonly unread?: string;
}

/** Read at a time, bytes. */
const batch = 64 * 1024;

/** Is it a snapshot that etcd's tools restore without being told to skip the hash? */
export function isWhole({ hash, contents }: SnapshotReport): boolean {
  return hash === 'matches' && contents !== undefined;
}

/** Reads the file once. Throws the system's error where it cannot be read. */
export function inspectSnapshot(path: string): SnapshotReport {
  const descriptor = openSync(path, 'r');
  try {
    const { size } = fstatSync(descriptor);
    const databaseSize = hasHash(size) ? size - hashSize : size;
    const digest = digestOf(descriptor, databaseSize);
    return {
      ...{ size, hash: compare(descriptor, digest, size), sha256: digest.toString('hex') },
      ...readPages(descriptor, databaseSize),
    };
  } finally {
    closeSync(descriptor);
  }
}

/** What the pages of a whole snapshot hold. Throws the system's error where it cannot be read. */
export function contentsOf(path: string): Pick<SnapshotReport, 'contents' | 'unread'> {
  const descriptor = openSync(path, 'r');
  try {
    return readPages(descriptor, fstatSync(descriptor).size - hashSize);
  } finally {
    closeSync(descriptor);
  }
}

function readPages(descriptor: number, size: number): Pick<SnapshotReport, 'contents' | 'unread'> {
  try {
    return { contents: new Database(descriptor, size).contents() };
  } catch (error) {
    return { unread: (error as Error).message };
  }
}

function digestOf(descriptor: number, size: number): Buffer {
  const hash = createHash('sha256');
  const bytes = Buffer.allocUnsafe(batch);
  let at = 0;
  while (at < size) {
    const read = readSync(descriptor, bytes, 0, Math.min(batch, size - at), at);
    if (read === 0) throw new Error('the file became shorter while it was read');
    hash.update(bytes.subarray(0, read));
    at += read;
  }
  return hash.digest();
}

function compare(descriptor: number, digest: Buffer, size: number): SnapshotReport['hash'] {
  if (!hasHash(size)) return 'none';
  const tail = Buffer.alloc(hashSize);
  readSync(descriptor, tail, 0, hashSize, size - hashSize);
  return tail.equals(digest) ? 'matches' : 'differs';
}
