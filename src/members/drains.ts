/**
 * Drains: the members that an operator wants without clients. What he asked for holds until he takes it
 * back: over a failure of the member, over its leaving and coming back, and, with a state directory, over
 * restarts (users of HAProxy lost traffic to servers that a reload had put back into the pool).
 *
 * Each drain is a file of its own, in a folder of the state directory. Processes that share the directory, such as one
 * and its successor, so add and remove what they were asked for, and neither writes over what the other was. What one is
 * asked for, the others find in the folder and follow.
 *
 * Owns the drains and their files. Leaves to others what is done for a drained member, and how all this is told.
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

/** A member as somebody named it, and since when it is to be drained, ISO 8601. */
export type Drain = z.infer<typeof shape>;

/** The member in question: its name, or else its address, is that of a drain. */
export type Drainable = Pick<Drain, 'name' | 'endpoint'>;

/** What was found at the start; `why` is one clause. */
export interface FoundDrains {
  readonly drains: readonly Drain[];
  readonly unusable: readonly { readonly file: string; readonly why: string }[];
}

/** Between two looks at what other processes were asked for, ms. */
const followInterval = 1_000;
/** More files than this are not read: there are not so many members. */
const mostFiles = 1_000;

export class Drains {
  readonly #folder: string | undefined;
  /** By the name of its file. */
  readonly #drains = new Map<string, Drain>();
  /** The files that are known to be there. */
  readonly #seen = new Set<string>();
  /** One at a time, so that a look at the folder finds nothing half done by ourselves. */
  #last: Promise<unknown> = Promise.resolve();

  /** @param directory the state directory; without one, nothing is kept. Throws `SettingError`. */
  constructor(directory: string | undefined) {
    this.#folder = directory === undefined ? undefined : join(directory, 'drains');
    if (this.#folder !== undefined) makeDirectory(this.#folder);
  }

  /** Reads what an earlier run, or another process, has kept. Never throws. */
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

  /** Adds a member. Returns why that will not survive a restart, as one clause, if so. */
  add({ name, endpoint }: Drainable, now = new Date()): Promise<string | undefined> {
    const drain = { name, endpoint, since: now.toISOString() };
    return this.#replace((each) => isSame(each, drain), [drain]);
  }

  /** Takes a member off the list. Returns the same as `add`. */
  remove(member: Drainable): Promise<string | undefined> {
    return this.#replace((drain) => isSame(drain, member), []);
  }

  /** Who is at an endpoint is called otherwise. (Where that cannot be kept, the endpoint finds the drain again.) */
  async rename(endpoint: string, name: string): Promise<void> {
    const drain = this.all.find((each) => each.endpoint === endpoint);
    if (drain === undefined) return;
    await this.#replace((each) => each.endpoint === endpoint, [{ ...drain, name }]);
  }

  /**
   * Looks at the folder until `signal` aborts, and tells of the members that other processes have drained, or taken
   * back: `of` knows which.
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

  /** Never rejects: what cannot be read has not changed. */
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

  /** Reads files that are new. */
  #take(folder: string, names: readonly string[]): FoundDrains {
    const drains: Drain[] = [];
    const unusable: { file: string; why: string }[] = [];
    for (const name of names) {
      const file = join(folder, name);
      const loaded = loadState(file, (content) => shape.parse(content));
      if (loaded.kind === 'none') continue; // taken back in the meantime
      this.#seen.add(name);
      if (loaded.kind === 'unusable') unusable.push({ file, why: loaded.why });
      else {
        this.#drains.set(name, loaded.content);
        drains.push(loaded.content);
      }
    }
    return { drains, unusable };
  }

  /** Puts `next` in the place of those that are `replaced`: it is there before they are gone. */
  #replace(
    replaced: (drain: Drain) => boolean,
    next: readonly Drain[],
  ): Promise<string | undefined> {
    const old = [...this.#drains].filter(([, drain]) => replaced(drain)).map(([name]) => name);
    const added = new Map(next.map((drain) => [nameFor(drain), drain]));
    // In force at once, whatever comes of the files.
    for (const name of old) this.#drains.delete(name);
    for (const [name, drain] of added) this.#drains.set(name, drain);
    const folder = this.#folder;
    if (folder === undefined) return Promise.resolve('there is no --state-dir to keep it in');
    return this.#inTurn(async () => {
      try {
        for (const [name, drain] of added) {
          makeDirectory(folder); // again, where somebody has removed it
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

/** Of the same drain in every process; of a length that any file system takes. */
function nameFor({ name, endpoint }: Drainable): string {
  const digest = createHash('sha256')
    .update(JSON.stringify([name, endpoint]))
    .digest('hex');
  return `${digest.slice(0, 16)}.json`;
}

/** What else may lie there is being written, or was left by a process that died then. */
function namesOf(listed: readonly string[]): string[] {
  return listed.filter((name) => name.endsWith('.json')).slice(0, mostFiles);
}
