/**
 * The saved pause: what an operator asked for, kept over restarts in the state directory as drains are (drains.ts).
 * Processes that share the directory follow each other.
 *
 * Owns the file, which is there while the pause lasts. proxy/pause.ts acts on it.
 */
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { isDeepStrictEqual } from 'node:util';
import * as z from 'zod/mini';
import { type Loaded, loadState, makeDirectory, saveState } from '../lib/files/state-file.ts';
import { poll } from '../lib/time/poll.ts';

const shape = z.strictObject({ refuse: z.boolean(), since: z.iso.datetime() });

/** See `AskedPause`. */
type Kept = z.infer<typeof shape>;

/** How often to look for what another process has saved, ms. */
const followInterval = 1_000;

export class SavedPause {
  readonly file: string | undefined;
  /** What the file holds, as far as this process knows. */
  #known: Kept | undefined;
  /** The last file operation; they run one at a time. */
  #last: Promise<unknown> = Promise.resolve();

  /** @param directory the state directory; if undefined, nothing is saved. Throws `SettingError`. */
  constructor(directory: string | undefined) {
    if (directory !== undefined) makeDirectory(directory);
    this.file = directory && join(directory, 'pause.json');
  }

  /** Reads what an earlier run, or another process, has saved. Never throws. */
  load(): Loaded<Kept> {
    if (this.file === undefined) return { kind: 'none' };
    const loaded = loadState(this.file, shape.parse);
    this.#known = loaded.kind === 'content' ? loaded.content : undefined;
    return loaded;
  }

  /** Saves a pause; undefined: there is none. Resolves with why that will not survive a restart, as one clause. */
  set(pause: Kept | undefined): Promise<string | undefined> {
    const { file } = this;
    if (file === undefined) return Promise.resolve('there is no --state-dir to keep it in');
    return this.#inTurn(async () => {
      try {
        if (pause === undefined) await rm(file, { force: true });
        else await saveState(file, pause);
        this.#known = pause;
        return undefined;
      } catch (error) {
        return `${file} cannot be written: ${(error as Error).message}`;
      }
    });
  }

  /** Follows the file until `signal` aborts: `onChange` gets what another process has saved there. */
  follow(onChange: (pause: Kept | undefined) => void, signal: AbortSignal): void {
    if (this.file === undefined) return;
    poll(async () => {
      await this.#inTurn(async () => {
        const before = this.#known;
        const found = this.load();
        // A file that cannot be read counts as unchanged.
        if (found.kind === 'unusable') this.#known = before;
        else if (!signal.aborted && !isDeepStrictEqual(before, this.#known)) onChange(this.#known);
      });
      return followInterval;
    }, signal);
  }

  #inTurn<T>(work: () => Promise<T>): Promise<T> {
    const done = this.#last.then(work);
    this.#last = done.catch(() => {});
    return done;
  }
}
