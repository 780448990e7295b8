/**
 * The last checks of one member, in a ring of a fixed size: noting one allocates nothing, and a plot of them
 * is not empty when somebody opens the page.
 */

/** A finished check. */
export interface PastCheck {
  /** When it finished, ms since the epoch. */
  readonly at: number;
  /** How long it took, ms. */
  readonly duration: number;
  readonly ok: boolean;
}

/** So many are kept: two minutes at one a second. */
export const keptChecks = 120;

export class PastChecks {
  readonly #at = new Float64Array(keptChecks);
  readonly #duration = new Float32Array(keptChecks);
  readonly #ok = new Uint8Array(keptChecks);
  /** Ever added, and up to which of them `takeNew` has given. */
  #added = 0;
  #given = 0;

  add({ at, duration, ok }: PastCheck): void {
    const place = this.#added % keptChecks;
    this.#at[place] = at;
    this.#duration[place] = duration;
    this.#ok[place] = ok ? 1 : 0;
    this.#added += 1;
  }

  /** All that are kept, oldest first. */
  get all(): readonly PastCheck[] {
    return this.#last(keptChecks);
  }

  /** Those that were added since this was asked last, as far as they are kept. */
  takeNew(): readonly PastCheck[] {
    const checks = this.#last(this.#added - this.#given);
    this.#given = this.#added;
    return checks;
  }

  #last(count: number): PastCheck[] {
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
