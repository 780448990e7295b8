/** What clients do by chance, the same for the same seed. */

export class Random {
  #state: number;

  /** @param name whose it is: two clients of one seed do different things. */
  constructor(seed: number, name: string) {
    // FNV-1a over the name.
    let hash = 0x811c9dc5 ^ seed;
    for (const byte of Buffer.from(name)) hash = Math.imul(hash ^ byte, 0x01000193);
    this.#state = hash >>> 0;
  }

  /** From 0 to less than 1 (mulberry32). */
  next(): number {
    this.#state = (this.#state + 0x6d2b79f5) >>> 0;
    let mixed = this.#state;
    mixed = Math.imul(mixed ^ (mixed >>> 15), mixed | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  }

  /** From half of it to one and a half. */
  around(value: number): number {
    return value * (0.5 + this.next());
  }
}
