/**
 * The open streams of a session, each with a value. The byte path writes to this table a few times per
 * call; a `Map` would make garbage of that.
 *
 *   ids      1   -3   -5   7   -9   11      negative: the stream has ended
 *   values   ·    ·    ·   ·    ·    ·
 *
 * Stream ids only grow (RFC 9113 section 5.1.1), so the table is sorted, and binary search finds a stream
 * whatever ids a peer chooses. Ended streams are removed together, so an operation costs a handful of steps,
 * and on average as many again for the removal. What the values mean is up to the caller.
 */

/** Most sessions have no more streams at a time. A power of two, as all sizes are. */
const smallest = 8;
/** The table shrinks when fewer than one in this many slots holds an open stream. */
const sparse = 8;

export class OpenStreams {
  #ids = new Int32Array(0);
  #values = new Int32Array(0);
  /** Slots in use, including ended streams. The last one in use is always open. */
  #end = 0;
  #size = 0;
  #latest = 0;

  get size(): number {
    return this.#size;
  }

  /** The number of slots, as a measure of the memory. */
  get capacity(): number {
    return this.#ids.length;
  }

  /** The highest id that was ever added; 0 for none. */
  get latest(): number {
    return this.#latest;
  }

  /** The value of the open stream that was added last; undefined if no stream is open. */
  get newest(): number | undefined {
    return this.#end === 0 ? undefined : this.#values[this.#end - 1];
  }

  /** The slot of an open stream; -1 for any other. Valid until the next `add` or `deleteAt`. */
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
      // Half of the slots are free afterwards, so the next resize is far away.
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

  /** Removes all streams and frees the memory. */
  clear(): void {
    this.#ids = new Int32Array(0);
    this.#values = new Int32Array(0);
    this.#end = 0;
    this.#size = 0;
  }

  /** Removes ended streams and gives the table `length` slots. */
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
