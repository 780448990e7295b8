/**
 * Reads a snapshot without etcd's tools: its meta pages, and its buckets page by page, so that memory does not grow with
 * its size.
 *
 *   root ─► bucket of buckets ─► "key"     ─► one key for each revision that is kept: 8 bytes, '_', 8 bytes (mvcc/revision.go)
 *                              └► "members" ─► one key for each member
 *
 * Owns the walk through pages. Layout: bbolt's page.go, node.go and bucket.go. Nothing in the file becomes a position
 * unchecked: it may be damaged.
 */
import { readSync } from 'node:fs';
import { type Meta, metaSize, pageHead, readMeta } from './format.ts';

/** Of a page (bbolt page.go). */
const flags = { branch: 0x01, leaf: 0x02 } as const;
/** An element of a branch or a leaf page has as many bytes. */
const elementSize = 16;
/** A leaf element that is a bucket. */
const isBucket = 0x01;
/** In front of a bucket's value: its root page 8, a sequence 8. */
const bucketHead = 16;
/** Branches above a leaf; a tree of 2^64 keys has fewer. */
const deepest = 32;
/** The longest key or page that is read, bytes. etcd's keys are revisions and names. */
const longestKey = 4_096;

export interface Contents {
  /** The last change that it has; 0 for an empty one. */
  readonly revision: number;
  /** How many revisions of keys it keeps. */
  readonly keptRevisions: number;
  /** Members of the cluster that it was taken from. */
  readonly members: number;
}

/** A page with elements. */
interface Page {
  readonly kind: 'branch' | 'leaf';
  readonly count: number;
  /** In the file, or in the value of an inline bucket, bytes. */
  readonly at: number;
}

export class Database {
  readonly #descriptor: number;
  /** Of the database without its hash, bytes. */
  readonly #size: number;
  readonly #meta: Meta;
  /** Pages that may still be visited: a damaged tree may have circles. */
  #visits: number;

  /**
   * @param descriptor of an open file.
   * @param size bytes of the database, without the hash.
   * Throws one clause where neither meta page can be used, or the file is shorter than they say.
   */
  constructor(descriptor: number, size: number) {
    this.#descriptor = descriptor;
    this.#size = size;
    this.#meta = this.#readMetas();
    const needed = this.#meta.pages * this.#meta.pageSize;
    this.#visits = 2 * this.#meta.pages;
    if (needed > size) throw new Error(`it has ${size} bytes and needs ${needed}`);
  }

  /** Reads what the buckets hold. Throws one clause where a page is not what it should be. */
  contents(): Contents {
    const keys = this.#bucket('key');
    const members = this.#bucket('members');
    const last = keys && this.#lastKey(keys);
    return {
      revision: last === undefined ? 0 : revisionOf(last),
      keptRevisions: keys === undefined ? 0 : this.#count(keys),
      members: members === undefined ? 0 : this.#count(members),
    };
  }

  /** The newer of two: one of them may have been written last and only half. */
  #readMetas(): Meta {
    const first = attempt(() => readMeta(this.#read(0, metaSize)));
    const pageSize = 'value' in first ? first.value.pageSize : 4_096;
    const second = attempt(() => readMeta(this.#read(pageSize, metaSize)));
    if ('error' in first && 'error' in second) throw first.error;
    const metas = [first, second].flatMap((each) => ('value' in each ? [each.value] : []));
    return metas.reduce((a, b) => (b.transaction > a.transaction ? b : a));
  }

  /** The root page of a bucket by its name. */
  #bucket(name: string): Page | undefined {
    const wanted = Buffer.from(name);
    for (const leaf of this.#leaves(this.#page(this.#meta.root), 0)) {
      for (let index = 0; index < leaf.count; index += 1) {
        const at = leaf.at + pageHead + index * elementSize;
        const element = this.#read(at, elementSize);
        const keyAt = at + element.readUInt32LE(4);
        const keySize = element.readUInt32LE(8);
        if (keySize !== wanted.length || element.readUInt32LE(0) !== isBucket) continue;
        if (this.#read(keyAt, keySize).equals(wanted)) return this.#rootOf(keyAt + keySize);
      }
    }
    return undefined;
  }

  /** A small bucket has its only page within its value. */
  #rootOf(valueAt: number): Page {
    const root = Number(this.#read(valueAt, bucketHead).readBigUInt64LE(0));
    return root === 0 ? this.#pageAt(valueAt + bucketHead) : this.#page(root);
  }

  #count(root: Page): number {
    let count = 0;
    for (const leaf of this.#leaves(root, 0)) count += leaf.count;
    return count;
  }

  /** The greatest key; `undefined` for an empty bucket. */
  #lastKey(root: Page): Buffer | undefined {
    let page = root;
    for (let depth = 0; page.kind === 'branch'; depth += 1) {
      if (depth === deepest || page.count === 0) throw new Error('a branch leads nowhere');
      page = this.#page(this.#child(page, page.count - 1));
    }
    if (page.count === 0) return undefined;
    const at = page.at + pageHead + (page.count - 1) * elementSize;
    const element = this.#read(at, elementSize);
    const size = element.readUInt32LE(8);
    if (size > longestKey) throw new Error(`a key of ${size} bytes cannot be`);
    return this.#read(at + element.readUInt32LE(4), size);
  }

  *#leaves(page: Page, depth: number): Generator<Page> {
    if (page.kind === 'leaf') {
      yield page;
      return;
    }
    if (depth === deepest) throw new Error('a branch leads nowhere');
    for (let index = 0; index < page.count; index += 1) {
      yield* this.#leaves(this.#page(this.#child(page, index)), depth + 1);
    }
  }

  #child(branch: Page, index: number): number {
    const element = this.#read(branch.at + pageHead + index * elementSize, elementSize);
    return Number(element.readBigUInt64LE(8));
  }

  #page(id: number): Page {
    this.#visits -= 1;
    if (this.#visits < 0) throw new Error('its pages lead in circles');
    if (id < 2 || id >= this.#meta.pages) throw new Error(`page ${id} is not one of its pages`);
    return this.#pageAt(id * this.#meta.pageSize);
  }

  #pageAt(at: number): Page {
    const head = this.#read(at, pageHead);
    const flag = head.readUInt16LE(8);
    if (flag !== flags.branch && flag !== flags.leaf) {
      throw new Error(`the page at ${at} is neither a branch nor a leaf`);
    }
    return { kind: flag === flags.leaf ? 'leaf' : 'branch', count: head.readUInt16LE(10), at };
  }

  #read(at: number, length: number): Buffer {
    if (at < 0 || at + length > this.#size) throw new Error(`it ends before ${at + length}`);
    const bytes = Buffer.alloc(length);
    if (readSync(this.#descriptor, bytes, 0, length, at) !== length) {
      throw new Error(`it ends before ${at + length}`);
    }
    return bytes;
  }
}

/** The change that a key of the bucket "key" is of. */
function revisionOf(key: Buffer): number {
  if (key.length < 17 || key[8] !== 0x5f) throw new Error('a key is not a revision');
  return Number(key.readBigUInt64BE(0));
}

function attempt<T>(read: () => T): { readonly value: T } | { readonly error: unknown } {
  try {
    return { value: read() };
  } catch (error) {
    return { error };
  }
}
