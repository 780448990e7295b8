/**
 * Files that are looked at for changes.
 *
 * Looked at, not watched: kubeadm and cert-manager write files in place, Kubernetes swaps a link to a
 * folder above them, and a network's file system tells of nothing. A change counts once the files have
 * been the same in two looks, since a pair may be in the middle of being written.
 *
 * Owns the timer. What a change means is for its listener.
 */
import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { setInterval } from 'node:timers/promises';
import { handOver } from '../unexpected.ts';
import { longestFile } from './text-file.ts';

/** Between two looks, ms. */
const interval = 2_000;

/**
 * Looks at the files until `signal` aborts, and calls `onRest` after every look that found them as they
 * were in the one before, with a digest of what they hold. Never rejects: what a look throws is handed over, and
 * the next one follows.
 *
 * @param paths asked for at each look; nothing is called while there are none.
 */
export async function watchFiles(
  paths: () => readonly string[],
  onRest: (content: string) => void | Promise<void>,
  signal: AbortSignal,
): Promise<void> {
  let seen: string | undefined;
  const look = async (): Promise<void> => {
    if (paths().length === 0) return;
    const content = await read(paths());
    const isAtRest = content === seen;
    seen = content;
    if (isAtRest) await onRest(content);
  };
  try {
    for await (const _ of setInterval(interval, undefined, { signal }))
      await look().catch(handOver);
  } catch (error) {
    if (!signal.aborted) throw error;
  }
}

/** Digests of what the files hold, keys included; of one that cannot be read, why. */
async function read(paths: readonly string[]): Promise<string> {
  const digests = await Promise.all(
    paths.map((path) => digestOf(path).catch((error: Error) => `unread: ${error.message}`)),
  );
  return digests.join();
}

/** As much as whoever reads the file would take, and one byte more. */
async function digestOf(path: string): Promise<string> {
  const digest = createHash('sha256');
  for await (const chunk of createReadStream(path, { end: longestFile })) digest.update(chunk);
  return digest.digest('hex');
}
