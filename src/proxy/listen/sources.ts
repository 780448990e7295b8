/**
 * Sources: how many connections each address has, so that one of them cannot take up all there may be.
 *
 * Owns the counts. What comes over a Unix socket has no address and is not counted.
 */
export class Sources {
  readonly #counts = new Map<string, number>();

  /**
   * Counts one more connection of an address, unless it has as many as it may.
   *
   * @param most connections of one address.
   */
  take(address: string | undefined, most: number): boolean {
    if (address === undefined) return true;
    const count = this.#counts.get(address) ?? 0;
    if (count >= most) return false;
    this.#counts.set(address, count + 1);
    return true;
  }

  /** One of the connections that were taken has ended. */
  release(address: string | undefined): void {
    if (address === undefined) return;
    const count = this.#counts.get(address) ?? 0;
    if (count > 1) this.#counts.set(address, count - 1);
    else this.#counts.delete(address);
  }
}
