/**
 * The saved members: the last good list, kept in the state directory so that a restart works while
 * nobody answers who could name them.
 *
 * Owns the file. It is replaced as a whole (written beside it, flushed, renamed), and checked when it is
 * read: what is not one of our lists is not used.
 */
import { mkdirSync, readFileSync } from 'node:fs';
import { open, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import * as z from 'zod/mini';
import { formatEndpoint, parseEndpoints, type Scheme } from '../config/endpoint.ts';
import { Refusal } from '../config/error.ts';
import type { Place } from './place.ts';

const fileName = 'members.json';

const shape = z.strictObject({
  version: z.literal(1),
  savedAt: z.iso.datetime(),
  members: z
    .array(
      z.strictObject({
        name: z.string().check(z.minLength(1)),
        url: z.string(),
        settingsName: z.optional(z.string()),
        address: z.optional(z.union([z.ipv4(), z.ipv6()])),
        weight: z.optional(z.number().check(z.positive())),
        priority: z.optional(z.number().check(z.nonnegative())),
      }),
    )
    .check(z.minLength(1)),
});

/** What was found: nothing, a list, or why it cannot be used, as one clause. */
export type Loaded =
  | { readonly kind: 'none' }
  | { readonly kind: 'list'; readonly places: readonly Place[]; readonly savedAt: string }
  | { readonly kind: 'unusable'; readonly why: string };

export class SavedMembers {
  readonly file: string;
  #saved: string | undefined;
  #writing: Promise<void> = Promise.resolve();

  /** Makes the directory where it is not there. Throws `Refusal` when that is not possible. */
  constructor(directory: string) {
    this.file = join(directory, fileName);
    try {
      mkdirSync(directory, { recursive: true, mode: 0o750 });
    } catch (error) {
      throw new Refusal(
        'state-dir',
        `${directory} cannot be made (${(error as Error).message}); write a directory that this user may write to`,
      );
    }
  }

  /**
   * Reads the list. Never throws: a restart must work without it.
   *
   * @param schemes what members may speak: a list from before a cluster had TLS is no use after it.
   */
  load(schemes: readonly Scheme[]): Loaded {
    let text: string;
    try {
      text = readFileSync(this.file, 'utf8');
    } catch (error) {
      const { code, message } = error as NodeJS.ErrnoException;
      return code === 'ENOENT' ? { kind: 'none' } : { kind: 'unusable', why: message };
    }
    try {
      const { members, savedAt } = shape.parse(JSON.parse(text));
      const places = members.map(({ url, ...rest }): Place => {
        const [endpoint] = parseEndpoints(url, 'http');
        if (endpoint === undefined) throw new Error(`${JSON.stringify(url)} is no URL`);
        if (!schemes.includes(endpoint.scheme)) {
          throw new Error(`${url} is not ${schemes.join(' or ')}, as the settings want it`);
        }
        return { ...endpoint, ...rest };
      });
      this.#saved = contentOf(places);
      return { kind: 'list', places, savedAt };
    } catch (error) {
      return { kind: 'unusable', why: explain(error) };
    }
  }

  /**
   * Replaces the list, if it differs from the one that was saved or loaded last. One call at a time is
   * carried out, in order. Rejects with the system's error, with the file as it was.
   */
  save(places: readonly Place[]): Promise<void> {
    const content = contentOf(places);
    const written = this.#writing.catch(() => {}).then(() => this.#write(content, places));
    this.#writing = written;
    return written;
  }

  async #write(content: string, places: readonly Place[]): Promise<void> {
    if (content === this.#saved) return;
    const state = { version: 1, savedAt: new Date().toISOString(), members: places.map(entryOf) };
    const beside = `${this.file}.new`;
    try {
      const handle = await open(beside, 'w', 0o640);
      try {
        await handle.writeFile(`${JSON.stringify(state, null, 2)}\n`);
        await handle.sync();
      } finally {
        await handle.close();
      }
      await rename(beside, this.file);
    } catch (error) {
      await rm(beside, { force: true }).catch(() => {});
      throw error;
    }
    this.#saved = content;
  }
}

function entryOf(place: Place): z.infer<typeof shape>['members'][number] {
  const { name, settingsName, address, weight, priority } = place;
  return { name, settingsName, url: formatEndpoint(place), address, weight, priority };
}

function contentOf(places: readonly Place[]): string {
  return JSON.stringify(places.map(entryOf));
}

function explain(error: unknown): string {
  if (error instanceof z.core.$ZodError) {
    const { path, message } = error.issues[0] ?? { path: [], message: 'it has another shape' };
    return path.length === 0 ? message : `${path.join('.')}: ${message}`;
  }
  return (error as Error).message;
}
