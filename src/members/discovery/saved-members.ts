/**
 * The saved members: the last good list, kept in the state directory so that a restart works while
 * nobody answers who could name them.
 *
 * Owns what the list looks like in the file, and which lists are of use.
 */
import { join } from 'node:path';
import * as z from 'zod/mini';
import { formatEndpoint, parseEndpoints, type Scheme } from '../../config/values/endpoint.ts';
import { type Loaded, loadState, makeDirectory, saveState } from '../../lib/state-file.ts';
import type { Place } from '../place.ts';

const shape = z.strictObject({
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

type Entry = z.infer<typeof shape>['members'][number];

export class SavedMembers {
  /** The path of the file. */
  readonly file: string;
  #saving: Promise<void> = Promise.resolve();
  /** What the file holds, as JSON, as far as is known. */
  #known: string | undefined;

  /** Makes the directory where it is not there. Throws `SettingError` when that is not possible. */
  constructor(directory: string) {
    makeDirectory(directory);
    this.file = join(directory, 'members.json');
  }

  /**
   * Reads the list. Never throws: a restart must work without it.
   *
   * @param schemes what members may speak: a list from before a cluster had TLS is no use after it.
   * @param most members that are taken.
   */
  load(schemes: readonly Scheme[], most = Number.POSITIVE_INFINITY): Loaded<readonly Place[]> {
    return loadState(this.file, (content) => {
      const { members } = shape.parse(content);
      const { length } = members;
      if (length > most) {
        throw new Error(`it names ${length} members, more than the ${most} that are taken`);
      }
      const places = members.map((entry) => placeOf(entry, schemes));
      this.#known = JSON.stringify(places.map(entryOf));
      return places;
    });
  }

  /**
   * Replaces the list, if it is another one; one call at a time, in order. Rejects with the system's error, with
   * the file as it was.
   */
  save(places: readonly Place[]): Promise<void> {
    const members = places.map(entryOf);
    const text = JSON.stringify(members);
    this.#saving = this.#saving
      .catch(() => {})
      .then(async () => {
        if (text === this.#known) return;
        await saveState(this.file, { members });
        this.#known = text;
      });
    return this.#saving;
  }
}

function entryOf(place: Place): Entry {
  const { name, settingsName, address, weight, priority } = place;
  return { name, settingsName, url: formatEndpoint(place), address, weight, priority };
}

function placeOf({ url, ...rest }: Entry, schemes: readonly Scheme[]): Place {
  const [endpoint] = parseEndpoints(url, 'http');
  if (endpoint === undefined) throw new Error(`${JSON.stringify(url)} is no URL`);
  if (!schemes.includes(endpoint.scheme)) {
    throw new Error(`${url} is not ${schemes.join(' or ')}, as the settings want it`);
  }
  return { ...endpoint, ...rest };
}
