/**
 * The last checks of all members, as they are shown (event-stream.ts, src/page/). Each member keeps its own.
 */
import type { Member } from '../members/member.ts';
import type { PastCheck, PastChecks as Ring } from '../members/past-checks.ts';

/** By the name of the member, oldest first; members without any are left out. */
export type PastChecks = Readonly<Record<string, readonly PastCheck[]>>;

export class CheckHistory {
  readonly #members: () => readonly Member[];

  /** @param members those there are. */
  constructor(members: () => readonly Member[]) {
    this.#members = members;
  }

  /** All that is kept. */
  get all(): PastChecks {
    return this.#list((checks) => checks.all);
  }

  /** Those that were noted since this was asked last. */
  takeNew(): PastChecks {
    return this.#list((checks) => checks.takeNew());
  }

  #list(of: (checks: Ring) => readonly PastCheck[]): PastChecks {
    const lists = this.#members().map(({ name, pastChecks }) => [name, of(pastChecks)] as const);
    return Object.fromEntries(lists.filter(([, checks]) => checks.length > 0));
  }
}
