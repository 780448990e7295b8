/**
 * Polls files for changes.
 *
 * File events would not do: kubeadm and cert-manager write files in place, Kubernetes swaps a link to a
 * folder above them, and network file systems report nothing. A change counts once two reads in a row
 * are equal, since a pair of files may be in the middle of being written.
 *
 * Owns the timer. The listener decides what a change means.
 */
import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { setInterval } from 'node:timers/promises';
import { handOver } from '../unexpected.ts';
import { longestFile } from './text-file.ts';

/** Between two reads, ms. */
const interval = 2_000;

/**
 * Reads the files until `signal` aborts, and calls `onStable` with a digest of them after every read that
 * equals the previous one. Never rejects: what a read or `onStable` throws is handed over, and the next read
 * follows.
 *
 * @param paths called at each read; nothing is read while there are none.
 */
export async function watchFiles(
  paths: () => readonly string[],
  onStable: (content: string) => void | Promise<void>,
  signal: AbortSignal,
): Promise<void> {
  let seen: string | undefined;
  const check = async (): Promise<void> => {
    if (paths().length === 0) return;
    const content = await read(paths());
    const isStable = content === seen;
    seen = content;
    if (isStable) await onStable(content);
  };
  try {
    for await (const _ of setInterval(interval, undefined, { signal }))
      await check().catch(handOver);
  } catch (error) {
    if (!signal.aborted) throw error;
  }
}

/** Digests of the files, keys included; for a file that cannot be read, the error. */
async function read(paths: readonly string[]): Promise<string> {
  const digests = await Promise.all(
    paths.map((path) => digestOf(path).catch((error: Error) => `unread: ${error.message}`)),
  );
  return digests.join();
}

/** Digests as much as a reader of the file accepts, and one byte more. */
async function digestOf(path: string): Promise<string> {
  const digest = createHash('sha256');
  for await (const chunk of createReadStream(path, { end: longestFile })) digest.update(chunk);
  return digest.digest('hex');
}
