/**
 * The open streams of a session, each with a number: a table of its own, since the byte path writes to it
 * a few times for each call, and a Map of the language makes garbage of that.
 *
 *   slot = number of the stream / 2, modulo the size; where it is taken, the next free one
 *
 * Streams are numbered upwards by twos (RFC 9113 section 5.1.1), so that two of them hardly ever want one
 * slot. Owns no meaning of the numbers.
 */

/** Streams of most sessions at a time; a power of two, as all sizes are. */
const smallest = 8;
const free = 0;

export class OpenStreams {
  #ids = new Int32Array(0);
  #values = new Int32Array(0);
  #size = 0;

  get size(): number {
    return this.#size;
  }

  /** Where a stream is; -1 if it is not. Valid until the next `add` or `delete`. */
  find(id: number): number {
    const mask = this.#ids.length - 1;
    if (mask < 0) return -1;
    for (let slot = (id >>> 1) & mask; ; slot = (slot + 1) & mask) {
      if (this.#ids[slot] === id) return slot;
      if (this.#ids[slot] === free) return -1;
    }
  }

  valueAt(slot: number): number {
    return this.#values[slot] as number;
  }

  setAt(slot: number, value: number): void {
    this.#values[slot] = value;
  }

  /** @param id of one that is not there, above 0. @param value a 32-bit integer. */
  add(id: number, value: number): void {
    // Never more than half full, so that a search is short and ends.
    if (2 * (this.#size + 1) > this.#ids.length) this.#grow();
    this.#put(id, value);
    this.#size += 1;
  }

  deleteAt(slot: number): void {
    this.#size -= 1;
    const mask = this.#ids.length - 1;
    let hole = slot;
    for (let next = (hole + 1) & mask; ; next = (next + 1) & mask) {
      const id = this.#ids[next] as number;
      if (id === free) break;
      // It moves up if it wanted the hole, or a slot before it, in the first place.
      const home = (id >>> 1) & mask;
      if (((next - home) & mask) < ((next - hole) & mask)) continue;
      this.#ids[hole] = id;
      this.#values[hole] = this.#values[next] as number;
      hole = next;
    }
    this.#ids[hole] = free;
  }

  clear(): void {
    this.#ids.fill(free);
    this.#size = 0;
  }

  /** Is there one with a value for which this holds? */
  some(holds: (value: number) => boolean): boolean {
    return this.#ids.some((id, slot) => id !== free && holds(this.#values[slot] as number));
  }

  #put(id: number, value: number): void {
    const mask = this.#ids.length - 1;
    let slot = (id >>> 1) & mask;
    while (this.#ids[slot] !== free) slot = (slot + 1) & mask;
    this.#ids[slot] = id;
    this.#values[slot] = value;
  }

  #grow(): void {
    const [ids, values] = [this.#ids, this.#values];
    const length = Math.max(smallest, 2 * ids.length);
    this.#ids = new Int32Array(length);
    this.#values = new Int32Array(length);
    for (const [slot, id] of ids.entries()) {
      if (id !== free) this.#put(id, values[slot] as number);
    }
  }
}
