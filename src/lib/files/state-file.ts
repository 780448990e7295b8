/**
 * A state file: data in the state directory that must survive a restart.
 *
 * Owns how such a file is read and replaced. It is replaced as a whole (written beside it, flushed, renamed, the folder
 * flushed), and validated when it is read, so that a foreign file is not used. Others own its content.
 */
import { randomUUID } from 'node:crypto';
import { mkdirSync } from 'node:fs';
import { open, rename, rm, writeFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import * as z from 'zod/mini';
import { SettingError } from '../setting-error.ts';
import { safeText } from '../text/safe-text.ts';
import { readBounded } from './text-file.ts';

/** What was found: nothing, the saved content, or why it cannot be used, as one clause. */
export type Loaded<T> =
  | { readonly kind: 'none' }
  | { readonly kind: 'content'; readonly content: T; readonly savedAt: string }
  | { readonly kind: 'unusable'; readonly why: string };

/** Creates the directory of state files if it is missing. Throws `SettingError` when that fails. */
export function makeDirectory(directory: string): void {
  try {
    mkdirSync(directory, { recursive: true, mode: 0o750 });
  } catch (error) {
    throw new SettingError(
      'state-dir',
      `${directory} cannot be made (${(error as Error).message}); write a directory that this user may write to`,
    );
  }
}

/**
 * Never throws: a restart must work without the file.
 *
 * @param parse converts the content, without `version` and `savedAt`; throws when it cannot.
 */
export function loadState<T>(path: string, parse: (content: unknown) => T): Loaded<T> {
  try {
    const state = envelope.parse(JSON.parse(readBounded(path)));
    const { savedAt, version: _version, ...content } = state;
    return { kind: 'content', content: parse(content), savedAt };
  } catch (error) {
    const isGone = (error as NodeJS.ErrnoException).code === 'ENOENT';
    return isGone ? { kind: 'none' } : { kind: 'unusable', why: inWords(error) };
  }
}

/**
 * Replaces the file. Rejects with the system's error; then the old file is still there, or a loss of power may
 * undo the new one.
 */
export async function saveState(path: string, content: object): Promise<void> {
  const state = { version: 1, savedAt: new Date().toISOString(), ...content };
  const beside = `${path}.${randomUUID()}.new`; // another process may write at the same time
  try {
    await writeFile(beside, `${JSON.stringify(state, null, 2)}\n`, { mode: 0o640, flush: true });
    await rename(beside, path);
    await flushFolder(dirname(path));
  } catch (error) {
    await rm(beside, { force: true }).catch(() => {});
    throw error;
  }
}

/** Flushes a folder: until then a loss of power may undo a rename in it (fsync(2)). Rejects with the system's error. */
export async function flushFolder(path: string): Promise<void> {
  // No `await using`: older Nodes parse the bundle too, to print which version it needs.
  const handle = await open(path, 'r');
  try {
    await handle.sync();
  } catch (error) {
    // EINVAL: the file system cannot flush folders. Other errors are failures.
    if ((error as NodeJS.ErrnoException).code !== 'EINVAL') throw error;
  } finally {
    await handle.close();
  }
}

const envelope = z.looseObject({ version: z.literal(1), savedAt: z.iso.datetime() });

/** Why the content cannot be used, as one clause; it may quote the content. */
function inWords(error: unknown): string {
  if (error instanceof z.core.$ZodError) {
    const { path, message } = error.issues[0] ?? { path: [], message: 'it has another shape' };
    return safeText(path.length === 0 ? message : `${path.join('.')}: ${message}`);
  }
  return safeText((error as Error).message);
}
