/**
 * A condition: something that fails and works again, such as the look-up of a name. Each change is reported
 * once, however often it is found.
 */
export class Condition<T> {
  readonly #onChange: (change: T) => void;
  #isRaised = false;
  /** Set while a raised change is not reported yet. */
  #timer: NodeJS.Timeout | undefined;

  constructor(onChange: (change: T) => void) {
    this.#onChange = onChange;
  }

  /** @param after when to report it, ms from now, unless it is cleared before. */
  raise(change: T, after = 0): void {
    if (after === 0) this.set(true, change);
    else if (!this.#isRaised) this.#timer ??= setTimeout(() => this.set(true, change), after);
  }

  /** Nothing is reported without `change`. */
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
