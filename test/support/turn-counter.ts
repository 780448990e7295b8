/**
 * Counts work by turns of the event loop: how much is done before anything else gets to run. Unlike a time, that is
 * the same on a slow machine.
 */
export class TurnCounter implements Disposable {
  /** The most that was done in one turn. */
  most = 0;
  total = 0;
  #now = 0;
  #next: NodeJS.Immediate;

  constructor() {
    const turn = (): void => {
      this.#now = 0;
      this.#next = setImmediate(turn);
    };
    this.#next = setImmediate(turn);
  }

  note(): void {
    this.#now += 1;
    this.total += 1;
    this.most = Math.max(this.most, this.#now);
  }

  [Symbol.dispose](): void {
    clearImmediate(this.#next);
  }
}
