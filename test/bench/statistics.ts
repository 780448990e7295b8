/** Statistics of a handful of rounds on a noisy machine. Pure. */

export interface Spread {
  readonly median: number;
  /** Half of the values lie between these two. */
  readonly lower: number;
  readonly upper: number;
}

/** NaN for no values. */
export function median(values: readonly number[]): number {
  return quantile(values, 0.5);
}

/** The value below which this share lies, between neighbours in proportion; NaN for no values. */
export function quantile(values: readonly number[], share: number): number {
  const sorted = values.toSorted((a, b) => a - b);
  const place = (sorted.length - 1) * share;
  const below = sorted[Math.floor(place)] ?? Number.NaN;
  const above = sorted[Math.ceil(place)] ?? Number.NaN;
  return below + (above - below) * (place - Math.floor(place));
}

/** Median and quartiles. */
export function spread(values: readonly number[]): Spread {
  return {
    median: median(values),
    lower: quantile(values, 0.25),
    upper: quantile(values, 0.75),
  };
}

/** Values of one contestant by round. */
export type ByRound = ReadonlyMap<number, number>;

/**
 * One value a round in which both were measured. What one round has against another (a neighbour, a
 * colder machine) both had, so it is in neither the ratios nor the differences of a round.
 */
export function pairwise(
  a: ByRound,
  b: ByRound,
  combine: (a: number, b: number) => number,
): number[] {
  return [...a].flatMap(([round, value]) => {
    const other = b.get(round);
    return other === undefined ? [] : [combine(value, other)];
  });
}

/** Median of the ratios a / b within rounds; NaN when they share no round. */
export function medianRatio(a: ByRound, b: ByRound): number {
  return median(pairwise(a, b, (x, y) => x / y));
}

/** Median of the differences a - b within rounds; NaN when they share no round. */
export function medianDifference(a: ByRound, b: ByRound): number {
  return median(pairwise(a, b, (x, y) => x - y));
}
