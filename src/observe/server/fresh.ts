/**
 * What is made for whoever asks, and shared by those who have asked before it was made: nobody gets an answer that is
 * older than his question, and however many ask at once, it is made once.
 */
export class Fresh<T> {
  readonly #make: () => T;
  #last: { readonly at: number; readonly value: T } | undefined;

  constructor(make: () => T) {
    this.#make = make;
  }

  /**
   * The value, made at or after `asked`, ms of `performance.now()`. Throws what making it throws.
   */
  since(asked: number): T {
    if (this.#last === undefined || this.#last.at < asked) {
      this.#last = { at: performance.now(), value: this.#make() };
    }
    return this.#last.value;
  }
}
