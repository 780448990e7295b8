/**
 * Rates from counters: what was counted in the last seconds, by the second. Several seconds, since what
 * comes once a second would else be shown as all or nothing.
 */

/** Over this time, ms. */
const span = 5_000;

interface Sample {
  /** ms */
  readonly at: number;
  readonly counts: readonly number[];
}

export class Rates {
  #samples: readonly Sample[] = [];

  /**
   * Takes the counters in, in the same order each time.
   *
   * @param at ms, of the clock of who counted.
   * @returns of each counter by how much it grows a second; `undefined` until there are two samples.
   */
  take(at: number, counts: readonly number[]): readonly number[] | undefined {
    const last = this.#samples.at(-1);
    // Counted from 0 again, or by a clock that was put back.
    const isNew =
      last === undefined || at < last.at || counts.some((each, i) => each < (last.counts[i] ?? 0));
    const before = isNew ? [] : this.#samples;
    // One that is older than the span stays, so that there is one at its begin.
    const begin = before.findLastIndex((sample) => sample.at <= at - span);
    this.#samples = [...before.slice(Math.max(0, begin)), { at, counts }];
    const [first] = this.#samples;
    if (first === undefined || first.at === at) return undefined;
    const seconds = (at - first.at) / 1_000;
    return counts.map((each, index) => (each - (first.counts[index] ?? 0)) / seconds);
  }
}
