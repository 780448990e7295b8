/**
 * The open streams of a session, each with a number: a table of its own, since the byte path writes to it
 * a few times for each call, and a Map of the language makes garbage of that.
 *
 *   ids      1   -3   -5   7   -9   11      negative: it has ended
 *   values   ·    ·    ·   ·    ·    ·
 *
 * Streams are numbered upwards (RFC 9113 section 5.1.1), so that the table is in order: whoever is looked for
 * is found by halving, whatever numbers a peer chooses. Those that have ended are swept out together, so that
 * a word of the byte path costs a handful of steps, and as many again for the sweeping, on average. Owns no
 * meaning of the values.
 */

/** Streams of most sessions at a time; a power of two, as all sizes are. */
const smallest = 8;
/** A table with fewer than one stream in so many places is made smaller. */
const sparse = 8;

export class OpenStreams {
  #ids = new Int32Array(0);
  #values = new Int32Array(0);
  /** Places that are taken, by streams that have ended too; the last of them has not. */
  #end = 0;
  #size = 0;
  #latest = 0;

  get size(): number {
    return this.#size;
  }

  /** Places there are; for whoever bounds the memory. */
  get capacity(): number {
    return this.#ids.length;
  }

  /** The highest number that was ever added; 0 for none. */
  get latest(): number {
    return this.#latest;
  }

  /** The value of the stream that was added last of those that are there; undefined for none. */
  get newest(): number | undefined {
    return this.#end === 0 ? undefined : this.#values[this.#end - 1];
  }

  /** Where a stream is; -1 if it is not. Valid until the next `add` or `deleteAt`. */
  find(id: number): number {
    let from = 0;
    let to = this.#end;
    while (from < to) {
      const middle = (from + to) >>> 1;
      const here = this.#ids[middle] as number;
      if (here === id) return middle;
      if (Math.abs(here) < id) from = middle + 1;
      else to = middle;
    }
    return -1;
  }

  valueAt(slot: number): number {
    return this.#values[slot] as number;
  }

  setAt(slot: number, value: number): void {
    this.#values[slot] = value;
  }

  /** @param id above `latest`. @param value a 32-bit integer. */
  add(id: number, value: number): void {
    if (this.#end === this.#ids.length) {
      // Half of the places are free afterwards, so that it does not come to this again soon.
      const { length } = this.#ids;
      this.#resize(2 * this.#size >= length ? Math.max(smallest, 2 * length) : length);
    }
    this.#ids[this.#end] = id;
    this.#values[this.#end] = value;
    this.#end += 1;
    this.#size += 1;
    this.#latest = id;
  }

  deleteAt(slot: number): void {
    this.#ids[slot] = -(this.#ids[slot] as number);
    this.#size -= 1;
    while (this.#end > 0 && (this.#ids[this.#end - 1] as number) < 0) this.#end -= 1;
    const { length } = this.#ids;
    if (length > smallest && sparse * this.#size < length) this.#resize(length / 2);
  }

  /** Forgets all of them, and the memory for them. */
  clear(): void {
    this.#ids = new Int32Array(0);
    this.#values = new Int32Array(0);
    this.#end = 0;
    this.#size = 0;
  }

  /** Sweeps out those that have ended, into a table with `length` places. */
  #resize(length: number): void {
    const [ids, values, end] = [this.#ids, this.#values, this.#end];
    if (length !== ids.length) {
      this.#ids = new Int32Array(length);
      this.#values = new Int32Array(length);
    }
    this.#end = 0;
    for (let slot = 0; slot < end; slot += 1) {
      const id = ids[slot] as number;
      if (id < 0) continue;
      this.#ids[this.#end] = id;
      this.#values[this.#end] = values[slot] as number;
      this.#end += 1;
    }
  }
}
