/**
 * Sources: counts the connections of each client address, so that one address cannot use up the limit.
 *
 * Owns the counts. A connection over a Unix socket has no address and is not counted.
 */
export class Sources {
  readonly #counts = new Map<string, number>();

  /**
   * Counts one more connection of an address. Returns false, and counts nothing, at the limit.
   *
   * @param most connections that one address may have.
   */
  take(address: string | undefined, most: number): boolean {
    if (address === undefined) return true;
    const count = this.#counts.get(address) ?? 0;
    if (count >= most) return false;
    this.#counts.set(address, count + 1);
    return true;
  }

  /** Counts one connection less: one that `take` counted has ended. */
  release(address: string | undefined): void {
    if (address === undefined) return;
    const count = this.#counts.get(address) ?? 0;
    if (count > 1) this.#counts.set(address, count - 1);
    else this.#counts.delete(address);
  }
}
