/**
 * A condition: something that goes wrong and comes right again, such as a name that cannot be looked up.
 * Each of the two is told once, however often it is found.
 */
export class Condition<T> {
  readonly #onChange: (change: T) => void;
  #isRaised = false;
  /** Of what has been raised and is not told yet. */
  #timer: NodeJS.Timeout | undefined;

  constructor(onChange: (change: T) => void) {
    this.#onChange = onChange;
  }

  /** @param after ms; it is told then, unless it was cleared before. */
  raise(change: T, after = 0): void {
    if (after === 0) this.set(true, change);
    else if (!this.#isRaised) this.#timer ??= setTimeout(() => this.set(true, change), after);
  }

  /** Nobody is told where `change` is left out. */
  clear(change?: T): void {
    this.set(false, change);
  }

  set(isRaised: boolean, change?: T): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    if (isRaised === this.#isRaised) return;
    this.#isRaised = isRaised;
    if (change !== undefined) this.#onChange(change);
  }
}
