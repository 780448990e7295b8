/**
 * What is counted of the calls of a member: plain numbers that the data path writes and whoever scrapes
 * reads.
 */

/** Upper ends of the buckets, ms; one more is open above. */
export const firstByteBounds = [0.5, 1, 2.5, 5, 10, 25, 50, 100, 250, 500, 1_000, 2_500, 5_000];

/** How long members took to begin their answers. */
class FirstBytes {
  /** How many were in each bucket, not those below it; the last is the open one. */
  readonly counts = new Float64Array(firstByteBounds.length + 1);
  /** Of all of them, ms. */
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
  /** Streams ever opened. */
  started = 0;
  /** Streams open now, calls in flight among them. */
  streams = 0;
  /** Sessions whose bytes turned out not to be HTTP/2, or made no sense. */
  lost = 0;
  readonly firstBytes = new FirstBytes();
}
