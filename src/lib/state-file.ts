/**
 * A file in the state directory: something that must survive a restart.
 *
 * Owns how such a file is read and replaced: as a whole (written beside it, flushed, renamed, the folder flushed), and checked
 * when it is read, so that what is not one of ours is not used. Leaves to others what is in it.
 */
import { randomUUID } from 'node:crypto';
import { mkdirSync } from 'node:fs';
import { open, rename, rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import * as z from 'zod/mini';
import { safeText } from './safe-text.ts';
import { SettingError } from './setting-error.ts';
import { readBounded } from './text-file.ts';

/** What was found: nothing, the content as it was saved, or why it cannot be used, as one clause. */
export type Loaded<T> =
  | { readonly kind: 'none' }
  | { readonly kind: 'content'; readonly content: T; readonly savedAt: string }
  | { readonly kind: 'unusable'; readonly why: string };

/** Makes a directory of state files where it is not there. Throws `Refusal` when that is not possible. */
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

export class StateFile<T extends object> {
  readonly path: string;
  readonly #shape: z.ZodMiniType<T>;
  #writing: Promise<void> = Promise.resolve();
  /** The content of the file, as JSON, as far as is known. */
  #known: string | undefined;

  /**
   * @param directory see `makeDirectory`.
   * @param shape of the content; `version` and `savedAt` stand beside it in the file.
   */
  constructor(directory: string, name: string, shape: z.ZodMiniType<T>) {
    this.path = join(directory, name);
    this.#shape = shape;
  }

  /** Never throws: a restart must work without the file. */
  load(): Loaded<T> {
    let text: string;
    try {
      text = readBounded(this.path);
    } catch (error) {
      const { code, message } = error as NodeJS.ErrnoException;
      return code === 'ENOENT' ? { kind: 'none' } : { kind: 'unusable', why: message };
    }
    try {
      const { savedAt, version: _version, ...content } = envelope.parse(JSON.parse(text));
      const checked = this.#shape.parse(content);
      this.#known = JSON.stringify(checked);
      return { kind: 'content', content: checked, savedAt };
    } catch (error) {
      return { kind: 'unusable', why: inWords(error) };
    }
  }

  /**
   * Replaces the file, if it has another content. One call at a time is carried out, in order. Rejects with the system's error, with
   * the file as it was, or with one that a loss of power may undo.
   */
  save(content: T): Promise<void> {
    const written = this.#writing.catch(() => {}).then(() => this.#write(content));
    this.#writing = written;
    return written;
  }

  async #write(content: T): Promise<void> {
    const text = JSON.stringify(content);
    if (text === this.#known) return;
    const state = { version: 1, savedAt: new Date().toISOString(), ...content };
    const beside = `${this.path}.${randomUUID()}.new`; // another process may write its own at the same time
    try {
      const handle = await open(beside, 'w', 0o640);
      try {
        await handle.writeFile(`${JSON.stringify(state, null, 2)}\n`);
        await handle.sync();
      } finally {
        await handle.close();
      }
      await rename(beside, this.path);
      await syncFolder(dirname(this.path));
    } catch (error) {
      await rm(beside, { force: true }).catch(() => {});
      throw error;
    }
    this.#known = text;
  }
}

/** Until its folder is flushed, a loss of power may undo a rename (fsync(2)). */
async function syncFolder(path: string): Promise<void> {
  const handle = await open(path, 'r');
  try {
    await handle.sync();
  } catch (error) {
    // A file system that has no such thing says so; others fail.
    if ((error as NodeJS.ErrnoException).code !== 'EINVAL') throw error;
  } finally {
    await handle.close();
  }
}

const envelope = z.looseObject({ version: z.literal(1), savedAt: z.iso.datetime() });

/** Why a content cannot be used, as one clause; it may quote the content. */
export function inWords(error: unknown): string {
  if (error instanceof z.core.$ZodError) {
    const { path, message } = error.issues[0] ?? { path: [], message: 'it has another shape' };
    return safeText(path.length === 0 ? message : `${path.join('.')}: ${message}`);
  }
  return safeText((error as Error).message);
}
