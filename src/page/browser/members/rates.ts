/**
 * Rates from counters, per second, over the last few seconds: within a single one, what comes once a
 * second would show as all or nothing.
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
   * Adds a sample of the counters, in the same order each time.
   *
   * @param at ms, by the clock of the balancer, which counted.
   * @returns how much each counter grows per second; `undefined` until there are two samples.
   */
  take(at: number, counts: readonly number[]): readonly number[] | undefined {
    const last = this.#samples.at(-1);
    // The counters began at 0 again, or the clock was put back.
    const isNew =
      last === undefined || at < last.at || counts.some((each, i) => each < (last.counts[i] ?? 0));
    const before = isNew ? [] : this.#samples;
    // One sample older than the span stays, to mark where the span begins.
    const begin = before.findLastIndex((sample) => sample.at <= at - span);
    this.#samples = [...before.slice(Math.max(0, begin)), { at, counts }];
    const [first] = this.#samples;
    if (first === undefined || first.at === at) return undefined;
    const seconds = (at - first.at) / 1_000;
    return counts.map((each, index) => (each - (first.counts[index] ?? 0)) / seconds);
  }
}
