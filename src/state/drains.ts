/**
 * Drains: the members that an operator wants without clients. What he asked for holds until he takes it
 * back: over a failure of the member, over its leaving and coming back, and, with a state directory, over
 * restarts (users of HAProxy lost traffic to servers that a reload had put back into the pool).
 *
 * Owns the list and its file. Leaves to others what is done for a drained member, and how all this is told.
 */
import * as z from 'zod/mini';
import { StateFile } from './state-file.ts';

const shape = z.strictObject({
  drained: z.array(
    z.strictObject({
      name: z.string().check(z.minLength(1)),
      endpoint: z.string(),
      since: z.iso.datetime(),
    }),
  ),
});

/** A member as somebody named it, and since when it is to be drained, ISO 8601. */
export type Drain = z.infer<typeof shape>['drained'][number];

/** The member in question: its name, or else its address, is that of a drain. */
export type Drainable = Pick<Drain, 'name' | 'endpoint'>;

/** How the list was found at the start; `why` is one clause. */
export type FoundDrains =
  | { readonly kind: 'none' }
  | { readonly kind: 'found'; readonly file: string; readonly drains: readonly Drain[] }
  | { readonly kind: 'unusable'; readonly file: string; readonly why: string };

export class Drains {
  readonly #file: StateFile<z.infer<typeof shape>> | undefined;
  #drains: readonly Drain[] = [];

  /** @param directory the state directory; without one, nothing is kept. Throws `Refusal`. */
  constructor(directory: string | undefined) {
    this.#file =
      directory === undefined ? undefined : new StateFile(directory, 'drains.json', shape);
  }

  /** Reads what an earlier run has kept. Never throws. */
  load(): FoundDrains {
    const loaded = this.#file?.load() ?? { kind: 'none' };
    if (this.#file === undefined || loaded.kind === 'none') return { kind: 'none' };
    const { path: file } = this.#file;
    if (loaded.kind === 'unusable') return { kind: 'unusable', file, why: loaded.why };
    this.#drains = loaded.content.drained;
    return { kind: 'found', file, drains: this.#drains };
  }

  get all(): readonly Drain[] {
    return this.#drains;
  }

  of(member: Drainable): Drain | undefined {
    return this.#drains.find((drain) => isSame(drain, member));
  }

  /** Adds a member. Returns why that will not survive a restart, as one clause, if so. */
  add(member: Drainable, now = new Date()): Promise<string | undefined> {
    const { name, endpoint } = member;
    const others = this.#drains.filter((drain) => !isSame(drain, member));
    return this.#set([...others, { name, endpoint, since: now.toISOString() }]);
  }

  /** Takes a member off the list. Returns the same as `add`. */
  remove(member: Drainable): Promise<string | undefined> {
    return this.#set(this.#drains.filter((drain) => !isSame(drain, member)));
  }

  /** Who is at an endpoint is called otherwise. (Where that cannot be kept, the endpoint finds the drain again.) */
  async rename(endpoint: string, name: string): Promise<void> {
    if (!this.#drains.some((drain) => drain.endpoint === endpoint)) return;
    await this.#set(
      this.#drains.map((drain) => (drain.endpoint === endpoint ? { ...drain, name } : drain)),
    );
  }

  async #set(drains: readonly Drain[]): Promise<string | undefined> {
    this.#drains = drains;
    if (this.#file === undefined) return 'there is no --state-dir to keep it in';
    try {
      await this.#file.save({ drained: [...drains] });
      return undefined;
    } catch (error) {
      return `${this.#file.path} cannot be written: ${(error as Error).message}`;
    }
  }
}

function isSame(a: Drainable, b: Drainable): boolean {
  return a.name === b.name || a.endpoint === b.endpoint;
}
