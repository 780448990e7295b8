/**
 * The text format of Prometheus, as a member serves it at `/metrics`:
 *
 *   etcd_network_peer_round_trip_time_seconds_bucket{To="8e9e05c52164694d",le="0.0128"} 42
 *
 * Owns reading it, and the quantiles of its histograms. What the figures mean is figures.ts.
 */

/** One line: a series and its value, which may be `NaN` or infinite. */
export interface Sample {
  readonly name: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly value: number;
}

const line = /^([a-zA-Z_:][\w:]*)(?:\{(.*)\})?[ \t]+(\S+)(?:[ \t]+-?\d+)?[ \t]*$/;
/**
 * Sticky: each label begins where the previous one ended. Without that, a long text with no label in it
 * would be read again from each of its letters.
 */
const label = /[ \t]*([a-zA-Z_]\w*)="((?:[^"\\]|\\.)*)"[ \t]*(?:,|$)/gy;
const escapes: Readonly<Record<string, string>> = { n: '\n', '"': '"', '\\': '\\' };
const numbers: Readonly<Record<string, number>> = {
  '+Inf': Number.POSITIVE_INFINITY,
  '-Inf': Number.NEGATIVE_INFINITY,
};

/** The samples in `text`; comments, and lines that are not of the format, are passed over. */
export function parseExposition(text: string): Sample[] {
  return text.split('\n').flatMap((each) => {
    const [, name, labels = '', text = ''] = line.exec(each) ?? [];
    const value = numbers[text] ?? Number(text);
    if (name === undefined || (Number.isNaN(value) && text !== 'NaN')) return [];
    return [{ name, labels: parseLabels(labels), value }];
  });
}

function parseLabels(text: string): Record<string, string> {
  const pairs = [...text.matchAll(label)].map(([, name = '', value = '']) => [
    name,
    value.replace(/\\(.)/g, (whole, letter: string) => escapes[letter] ?? whole),
  ]);
  return Object.fromEntries(pairs);
}

/** The value of a series that has no labels; `undefined` when there is none, or it is not a number. */
export function numberOf(samples: readonly Sample[], name: string): number | undefined {
  const value = samples.find((sample) => sample.name === name)?.value;
  return value === undefined || Number.isNaN(value) ? undefined : value;
}

/**
 * The value that a share `q` (0 to 1) of what a histogram counted does not exceed, by linear
 * interpolation within a bucket; beyond the last bound, that bound. `undefined` when it counted fewer
 * than `least`, which is too few to say.
 *
 * @param samples of one histogram: where it has further labels, those of one set of them.
 */
export function quantile(
  samples: readonly Sample[],
  name: string,
  q: number,
  least: number,
): number | undefined {
  const buckets = samples
    .filter((sample) => sample.name === `${name}_bucket`)
    .map(({ labels, value }) => ({ bound: boundIn(labels), count: value }))
    // Values that no histogram of durations has would distort the result.
    .filter(({ bound, count }) => bound >= 0 && count >= 0 && count < Number.POSITIVE_INFINITY)
    .sort((a, b) => a.bound - b.bound);
  const total = buckets.at(-1)?.count ?? 0;
  if (!(total >= least && total > 0)) return undefined;
  const rank = q * total;
  let below = { bound: 0, count: 0 };
  for (const bucket of buckets) {
    if (bucket.count >= rank) {
      if (bucket.bound === Number.POSITIVE_INFINITY) return below.bound;
      const share = (rank - below.count) / (bucket.count - below.count || 1);
      return below.bound + (bucket.bound - below.bound) * share;
    }
    below = bucket;
  }
  return below.bound;
}

function boundIn({ le = '' }: Sample['labels']): number {
  return numbers[le] ?? Number(le);
}
