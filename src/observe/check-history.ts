/**
 * The last checks of every member, so that a plot of them is not empty when somebody opens the page.
 *
 * Owns a ring of a fixed size for each member; noting a check allocates nothing. Leaves to others how
 * it is shown (event-stream.ts, src/page/).
 */
import type { CheckResult } from '../health/probe.ts';

/** A finished check. */
export interface PastCheck {
  /** When it finished, ms since the epoch. */
  readonly at: number;
  /** How long it took, ms. */
  readonly duration: number;
  readonly ok: boolean;
}

/** By the name of the member, oldest first. */
export type PastChecks = Readonly<Record<string, readonly PastCheck[]>>;

/** So many are kept of each member: two minutes at one a second. */
export const keptChecks = 120;

export class CheckHistory {
  readonly #rings = new Map<string, Ring>();

  /** @param at ms since the epoch. */
  note(member: string, at: number, { duration, ok }: CheckResult): void {
    let ring = this.#rings.get(member);
    if (ring === undefined) {
      ring = new Ring();
      this.#rings.set(member, ring);
    }
    ring.add(at, duration, ok);
  }

  /** Forgets a member that has left. */
  forget(member: string): void {
    this.#rings.delete(member);
  }

  /** All that is kept. */
  get all(): PastChecks {
    return this.#list((ring) => ring.last(keptChecks));
  }

  /** Those that were noted since this was asked last; members without any are left out. */
  takeNew(): PastChecks {
    return this.#list((ring) => ring.takeNew());
  }

  #list(of: (ring: Ring) => readonly PastCheck[]): PastChecks {
    const lists = [...this.#rings].map(([member, ring]) => [member, of(ring)] as const);
    return Object.fromEntries(lists.filter(([, checks]) => checks.length > 0));
  }
}

class Ring {
  readonly #at = new Float64Array(keptChecks);
  readonly #duration = new Float32Array(keptChecks);
  readonly #ok = new Uint8Array(keptChecks);
  /** Ever added, and up to which of them `takeNew` has given. */
  #added = 0;
  #given = 0;

  add(at: number, duration: number, ok: boolean): void {
    const place = this.#added % keptChecks;
    this.#at[place] = at;
    this.#duration[place] = duration;
    this.#ok[place] = ok ? 1 : 0;
    this.#added += 1;
  }

  takeNew(): PastCheck[] {
    const checks = this.last(this.#added - this.#given);
    this.#given = this.#added;
    return checks;
  }

  /** The last `count`, or as many as are kept. */
  last(count: number): PastCheck[] {
    const length = Math.min(count, this.#added, keptChecks);
    return Array.from({ length }, (_, index) => {
      const place = (this.#added - length + index) % keptChecks;
      return {
        at: this.#at[place] ?? 0,
        duration: Math.round((this.#duration[place] ?? 0) * 10) / 10,
        ok: this.#ok[place] === 1,
      };
    });
  }
}
