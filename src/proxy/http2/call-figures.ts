/** Figures about the calls of one member: plain numbers. The data path writes them, a scrape reads them. */

/** Upper ends of the buckets, ms. One more bucket has no upper end. */
export const firstByteBounds = [0.5, 1, 2.5, 5, 10, 25, 50, 100, 250, 500, 1_000, 2_500, 5_000];

/** How long the member took to begin its answers. */
class FirstBytes {
  /** Answers in each bucket, not cumulative. The last bucket has no upper end. */
  readonly counts = new Float64Array(firstByteBounds.length + 1);
  /** The sum of all durations, ms. */
  sum = 0;

  /** @param duration ms. */
  observe(duration: number): void {
    let bucket = 0;
    while (duration > (firstByteBounds[bucket] ?? Number.POSITIVE_INFINITY)) bucket += 1;
    this.counts[bucket] = (this.counts[bucket] ?? 0) + 1;
    this.sum += duration;
  }
}

export class CallFigures {
  /** Streams opened so far. */
  started = 0;
  /** Streams open now, including calls in flight. */
  streams = 0;
  /** Sessions whose bytes were not valid HTTP/2. */
  lost = 0;
  readonly firstBytes = new FirstBytes();
}
