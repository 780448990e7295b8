/**
 * The saved members: the last good list, kept in the state directory. So a restart works while no source
 * answers.
 *
 * Owns the format of the file, and decides which lists are usable.
 */
import { join } from 'node:path';
import * as z from 'zod/mini';
import { formatEndpoint, parseEndpoints, type Scheme } from '../../config/values/endpoint.ts';
import { Condition } from '../../lib/condition.ts';
import { loadState, makeDirectory, saveState } from '../../lib/files/state-file.ts';
import type { Place } from '../place.ts';
import type { DiscoveryChange } from './change.ts';

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
  readonly #tell: (change: DiscoveryChange) => void;
  readonly #failing: Condition<DiscoveryChange>;
  #saving: Promise<void> = Promise.resolve();
  /** The content of the file as JSON; undefined if unknown. */
  #known: string | undefined;

  /** Makes the directory if needed. Throws `SettingError` if that fails. */
  constructor(directory: string, tell: (change: DiscoveryChange) => void) {
    makeDirectory(directory);
    this.file = join(directory, 'members.json');
    this.#tell = tell;
    this.#failing = new Condition(tell);
  }

  /**
   * Reads the list; empty if it is absent or unusable. Never throws: a restart must work without it.
   *
   * @param schemes those allowed: a list from before the cluster had TLS is unusable afterwards.
   * @param most the limit on members.
   */
  load(schemes: readonly Scheme[], most = Number.POSITIVE_INFINITY): readonly Place[] {
    const { file } = this;
    const loaded = loadState(file, (content) => {
      const { members } = shape.parse(content);
      if (members.length <= most) return members.map((entry) => placeOf(entry, schemes));
      throw new Error(`it names ${members.length} members, more than the ${most} that are taken`);
    });
    if (loaded.kind === 'unusable') {
      this.#tell({ kind: 'state-failing', file, why: loaded.why, doing: 'reading' });
    }
    if (loaded.kind !== 'content') return [];
    const { content: places, savedAt } = loaded;
    this.#known = JSON.stringify(places.map(entryOf));
    this.#tell({ kind: 'state-used', file, members: places.length, savedAt });
    return places;
  }

  /** Replaces the list if it has changed. Calls run one at a time, in order. Reports a failure. */
  save(places: readonly Place[]): Promise<void> {
    const { file } = this;
    const members = places.map(entryOf);
    const text = JSON.stringify(members);
    const done = this.#saving.then(async () => {
      try {
        if (text !== this.#known) await saveState(file, { members });
        this.#known = text;
        this.#failing.clear({ kind: 'state-back', file });
      } catch (error) {
        const why = (error as Error).message;
        this.#failing.raise({ kind: 'state-failing', file, why, doing: 'saving' });
      }
    });
    this.#saving = done.catch(() => {});
    return done;
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
