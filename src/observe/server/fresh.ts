/**
 * A value that is made on request, and shared by all requests that arrived before it was made. No request gets a value
 * older than itself, and any number of concurrent requests cost one.
 */
export class Fresh<T> {
  readonly #make: () => T;
  #last: { readonly at: number; readonly value: T } | undefined;

  constructor(make: () => T) {
    this.#make = make;
  }

  /** The value, made at or after `asked`, ms of `performance.now()`. Throws what making it throws. */
  since(asked: number): T {
    if (this.#last === undefined || this.#last.at < asked) {
      this.#last = { at: performance.now(), value: this.#make() };
    }
    return this.#last.value;
  }
}
