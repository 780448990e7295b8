/**
 * Where a snapshot goes: a file that has its name only when it is whole and on the disk, or standard output.
 *
 *   DIR/.NAME.<uuid>.etcd-lb.part ── written ── flushed ── verified ── linked as DIR/NAME ── DIR flushed
 *
 * Owns that nothing half-written ever has the name of a snapshot, that nothing is overwritten unless told, and that what a
 * killed process left is removed. What is written is others' business.
 */
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { fdatasyncSync, writeSync } from 'node:fs';
import { link, open, readdir, rename, rm, stat } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { flushFolder } from '../../lib/files/state-file.ts';

export interface Sink {
  /**
   * Takes a piece, which is the caller's again afterwards. Returns a promise where the next piece must wait for it. Throws, or
   * rejects with, the system's error.
   */
  write(piece: Buffer): Promise<void> | undefined;
  /** Gives what was written its name. Rejects with the system's error; then it has none. */
  finish(): Promise<void>;
  /** Forgets what was written. Never rejects. */
  discard(): Promise<void>;
}

/**
 * Bytes that may wait for the disk. Flushed all at once at the end, hundreds of MB hold up whoever else flushes to that disk, such
 * as a member of etcd, for seconds.
 */
const mostUnflushed = 16 * 1024 * 1024;
/** Of the name of a file that is not whole. */
const ending = '.etcd-lb.part';
/** Not written to for this long, ms: whoever wrote it is gone. Not by its process id, which others may have in a container. */
const abandonedAfter = 300_000;
/** Written at a time, bytes. The network brings some 10 KB at a time; with 1 MiB the processor's caches no longer help. */
const batch = 64 * 1024;

/**
 * Begins a file. Removes what killed processes left of earlier attempts at the same name. Rejects with the system's error.
 *
 * @param replaces may a file with this name be replaced? If not, `finish` rejects with EEXIST.
 */
export async function fileSink(path: string, replaces: boolean): Promise<Sink> {
  const [folder, name] = [dirname(path), basename(path)];
  await removeAbandoned(folder);
  const part = join(folder, `.${name}.${randomUUID()}${ending}`);
  // Keys of Kubernetes are in it: its owner's alone.
  const handle = await open(part, 'wx', 0o600);
  const batches = new Batches(handle.fd);
  return {
    write: (piece) => batches.write(piece),
    finish: async () => {
      batches.flush();
      await handle.sync();
      await handle.close();
      // A link refuses a name that is taken; a rename replaces it. Both in one step.
      if (replaces) await rename(part, path);
      else await link(part, path);
      await rm(part, { force: true });
      await flushFolder(folder);
    },
    discard: async () => {
      await handle.close().catch(() => {});
      await rm(part, { force: true }).catch(() => {});
    },
  };
}

/**
 * Joins pieces into one buffer, so that memory stays the same and the disk gets large writes. They block: whoever takes
 * a snapshot does nothing else in its thread.
 */
class Batches {
  readonly #descriptor: number;
  readonly #buffer = Buffer.allocUnsafeSlow(batch);
  #length = 0;
  /** Written and perhaps not on the disk yet, bytes. */
  #unflushed = 0;

  constructor(descriptor: number) {
    this.#descriptor = descriptor;
  }

  write(piece: Buffer): undefined {
    let at = 0;
    while (at < piece.length) {
      const copied = piece.copy(this.#buffer, this.#length, at);
      this.#length += copied;
      at += copied;
      if (this.#length === batch) this.flush();
    }
  }

  flush(): void {
    let at = 0;
    while (at < this.#length)
      at += writeSync(this.#descriptor, this.#buffer, at, this.#length - at);
    this.#unflushed += this.#length;
    this.#length = 0;
    if (this.#unflushed < mostUnflushed) return;
    fdatasyncSync(this.#descriptor);
    this.#unflushed = 0;
  }
}

/** Removes what killed processes left. Rejects where the folder cannot be read. */
async function removeAbandoned(folder: string): Promise<void> {
  for (const entry of await readdir(folder)) {
    if (!entry.endsWith(ending)) continue;
    const path = join(folder, entry);
    // Another process may have finished it meanwhile.
    const { mtimeMs } = await stat(path).catch(() => ({ mtimeMs: Date.now() }));
    if (Date.now() - mtimeMs > abandonedAfter) await rm(path, { force: true });
  }
}

/** Standard output, or another stream. It has nothing to give a name to, and nothing to take back. */
export function streamSink(stream: NodeJS.WritableStream): Sink {
  let failure: Error | undefined;
  stream.on('error', (error) => {
    failure = error;
  });
  const check = (): void => {
    if (failure !== undefined) throw failure;
  };
  return {
    write: (piece) => {
      check();
      // A copy: a stream may keep it for longer.
      return stream.write(Buffer.from(piece)) ? undefined : once(stream, 'drain').then(check);
    },
    finish: async () => check(),
    discard: async () => {},
  };
}
