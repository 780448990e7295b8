/**
 * Drains: the members that an operator wants without clients. A drain lasts until the operator ends it: across a
 * failure of the member, across its removal and return, and, with a state directory, across restarts (users of
 * HAProxy lost traffic to servers that a reload had put back into the pool).
 *
 * Each drain is a separate file in a folder of the state directory. So processes that share the directory, such
 * as one and its successor, never overwrite each other's drains. Each process finds the drains of the others in
 * the folder and follows them.
 *
 * Owns the drains and their files. Callers act on a drained member, and report changes.
 */
import { createHash } from 'node:crypto';
import { readdirSync } from 'node:fs';
import { readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import * as z from 'zod/mini';
import { loadState, makeDirectory, saveState } from '../lib/files/state-file.ts';
import { poll } from '../lib/time/poll.ts';

const shape = z.strictObject({
  name: z.string().check(z.minLength(1)),
  endpoint: z.string(),
  since: z.iso.datetime(),
});

/** A drained member as the operator named it, and since when it is drained, ISO 8601. */
export type Drain = z.infer<typeof shape>;

/** A member to match: it has the name or the endpoint of a drain. */
export type Drainable = Pick<Drain, 'name' | 'endpoint'>;

/** The drains found at the start. `why` is one clause. */
export interface FoundDrains {
  readonly drains: readonly Drain[];
  readonly unusable: readonly { readonly file: string; readonly why: string }[];
}

/** How often to look for drains of other processes, ms. */
const followInterval = 1_000;
/** At most this many files are read: there are never so many members. */
const mostFiles = 1_000;

export class Drains {
  readonly #folder: string | undefined;
  /** By the names of their files. */
  readonly #drains = new Map<string, Drain>();
  /** The files that are known to exist. */
  readonly #seen = new Set<string>();
  /** The last file operation. They run one at a time, so that `follow` sees none of our own half done. */
  #last: Promise<unknown> = Promise.resolve();

  /** @param directory the state directory; if undefined, nothing is saved. Throws `SettingError`. */
  constructor(directory: string | undefined) {
    this.#folder = directory === undefined ? undefined : join(directory, 'drains');
    if (this.#folder !== undefined) makeDirectory(this.#folder);
  }

  /** Reads the drains that an earlier run, or another process, has saved. Never throws. */
  load(): FoundDrains {
    if (this.#folder === undefined) return { drains: [], unusable: [] };
    try {
      return this.#take(this.#folder, namesOf(readdirSync(this.#folder)));
    } catch (error) {
      const why = (error as Error).message;
      return { drains: [], unusable: [{ file: this.#folder, why }] };
    }
  }

  get all(): readonly Drain[] {
    return [...this.#drains.values()];
  }

  of(member: Drainable): Drain | undefined {
    return this.all.find((drain) => isSame(drain, member));
  }

  /** Adds a drain. Resolves with why it will not survive a restart, as one clause; undefined if it will. */
  add({ name, endpoint }: Drainable, now = new Date()): Promise<string | undefined> {
    const drain = { name, endpoint, since: now.toISOString() };
    return this.#replace((each) => isSame(each, drain), [drain]);
  }

  /** Removes the drain of a member. Resolves as `add` does. */
  remove(member: Drainable): Promise<string | undefined> {
    return this.#replace((drain) => isSame(drain, member), []);
  }

  /** Renames the member at an endpoint. (If that cannot be saved, the endpoint still matches the drain.) */
  async rename(endpoint: string, name: string): Promise<void> {
    const drain = this.all.find((each) => each.endpoint === endpoint);
    if (drain === undefined) return;
    await this.#replace((each) => each.endpoint === endpoint, [{ ...drain, name }]);
  }

  /**
   * Follows the folder until `signal` aborts. Calls `onChange` with the members whose drain another process has added
   * or removed; `of` tells which of the two.
   */
  follow(onChange: (changed: readonly Drainable[]) => void, signal: AbortSignal): void {
    const folder = this.#folder;
    if (folder === undefined) return;
    poll(async () => {
      const changed = await this.#inTurn(() => this.#refresh(folder));
      if (changed.length > 0 && !signal.aborted) onChange(changed);
      return followInterval;
    }, signal);
  }

  /** Never rejects: a folder that cannot be read counts as unchanged. */
  async #refresh(folder: string): Promise<readonly Drainable[]> {
    const listed = await readdir(folder).catch(() => undefined);
    if (listed === undefined) return [];
    const names = namesOf(listed);
    const gone = [...this.#seen].filter((name) => !names.includes(name));
    const removed = gone.flatMap((name) => this.#drains.get(name) ?? []);
    for (const name of gone) {
      this.#seen.delete(name);
      this.#drains.delete(name);
    }
    const added = names.filter((name) => !this.#seen.has(name));
    return [...removed, ...this.#take(folder, added).drains];
  }

  /** Reads new files. */
  #take(folder: string, names: readonly string[]): FoundDrains {
    const drains: Drain[] = [];
    const unusable: { file: string; why: string }[] = [];
    for (const name of names) {
      const file = join(folder, name);
      const loaded = loadState(file, (content) => shape.parse(content));
      if (loaded.kind === 'none') continue; // removed meanwhile
      this.#seen.add(name);
      if (loaded.kind === 'unusable') unusable.push({ file, why: loaded.why });
      else {
        this.#drains.set(name, loaded.content);
        drains.push(loaded.content);
      }
    }
    return { drains, unusable };
  }

  /** Replaces the matching drains by `next`. The new files are written before the old ones are removed. */
  #replace(
    replaced: (drain: Drain) => boolean,
    next: readonly Drain[],
  ): Promise<string | undefined> {
    const old = [...this.#drains].filter(([, drain]) => replaced(drain)).map(([name]) => name);
    const added = new Map(next.map((drain) => [nameFor(drain), drain]));
    // Takes effect at once, even if the files cannot be written.
    for (const name of old) this.#drains.delete(name);
    for (const [name, drain] of added) this.#drains.set(name, drain);
    const folder = this.#folder;
    if (folder === undefined) return Promise.resolve('there is no --state-dir to keep it in');
    return this.#inTurn(async () => {
      try {
        for (const [name, drain] of added) {
          makeDirectory(folder); // again, if it was removed
          await saveState(join(folder, name), drain);
          this.#seen.add(name);
        }
        for (const name of old.filter((each) => !added.has(each))) {
          await rm(join(folder, name), { force: true });
          this.#seen.delete(name);
        }
        return undefined;
      } catch (error) {
        return `${folder} cannot be written: ${(error as Error).message}`;
      }
    });
  }

  #inTurn<T>(work: () => Promise<T>): Promise<T> {
    const done = this.#last.then(work);
    this.#last = done.catch(() => {});
    return done;
  }
}

function isSame(a: Drainable, b: Drainable): boolean {
  return a.name === b.name || a.endpoint === b.endpoint;
}

/** The file name of a drain: the same in every process, and short enough for any file system. */
function nameFor({ name, endpoint }: Drainable): string {
  const digest = createHash('sha256')
    .update(JSON.stringify([name, endpoint]))
    .digest('hex');
  return `${digest.slice(0, 16)}.json`;
}

/** Ignores files that are being written, or that a process left behind when it died while writing. */
function namesOf(listed: readonly string[]): string[] {
  return listed.filter((name) => name.endsWith('.json')).slice(0, mostFiles);
}
