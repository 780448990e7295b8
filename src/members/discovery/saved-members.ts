/**
 * The saved members: the last good list, kept in the state directory so that a restart works while
 * nobody answers who could name them.
 *
 * Owns what the list looks like in the file, and which lists are of use.
 */
import * as z from 'zod/mini';
import { formatEndpoint, parseEndpoints, type Scheme } from '../../config/values/endpoint.ts';
import { inWords, makeDirectory, StateFile } from '../../lib/state-file.ts';
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

/** What was found: nothing, a list, or why it cannot be used, as one clause. */
export type Loaded =
  | { readonly kind: 'none' }
  | { readonly kind: 'list'; readonly places: readonly Place[]; readonly savedAt: string }
  | { readonly kind: 'unusable'; readonly why: string };

export class SavedMembers {
  readonly #file: StateFile<z.infer<typeof shape>>;

  /** Makes the directory where it is not there. Throws `Refusal` when that is not possible. */
  constructor(directory: string) {
    makeDirectory(directory);
    this.#file = new StateFile(directory, 'members.json', shape);
  }

  /** The path of the file. */
  get file(): string {
    return this.#file.path;
  }

  /**
   * Reads the list. Never throws: a restart must work without it.
   *
   * @param schemes what members may speak: a list from before a cluster had TLS is no use after it.
   * @param most members that are taken.
   */
  load(schemes: readonly Scheme[], most = Number.POSITIVE_INFINITY): Loaded {
    const loaded = this.#file.load();
    if (loaded.kind !== 'content') return loaded;
    const { length } = loaded.content.members;
    if (length > most) {
      return {
        kind: 'unusable',
        why: `it names ${length} members, more than the ${most} that are taken`,
      };
    }
    try {
      const places = loaded.content.members.map(({ url, ...rest }): Place => {
        const [endpoint] = parseEndpoints(url, 'http');
        if (endpoint === undefined) throw new Error(`${JSON.stringify(url)} is no URL`);
        if (!schemes.includes(endpoint.scheme)) {
          throw new Error(`${url} is not ${schemes.join(' or ')}, as the settings want it`);
        }
        return { ...endpoint, ...rest };
      });
      return { kind: 'list', places, savedAt: loaded.savedAt };
    } catch (error) {
      return { kind: 'unusable', why: inWords(error) };
    }
  }

  /** Replaces the list, if it is another one. Rejects with the system's error, with the file as it was. */
  save(places: readonly Place[]): Promise<void> {
    return this.#file.save({ members: places.map(entryOf) });
  }
}

function entryOf(place: Place): z.infer<typeof shape>['members'][number] {
  const { name, settingsName, address, weight, priority } = place;
  return { name, settingsName, url: formatEndpoint(place), address, weight, priority };
}
