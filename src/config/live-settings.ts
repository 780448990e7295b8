/**
 * The settings in use, which a reload replaces. Code reads a setting at the moment of need, so that nothing
 * is frozen at the start. Listeners act on a change.
 */
import type { Settings } from './settings.ts';

/** @typeParam T the part of the settings that a room reads. */
export class LiveSettings<T = Settings> {
  #current: T;
  #before: T;
  /** Not typed by `T`, so that a room that reads a part of the settings can be given all of them. */
  readonly #listeners: (() => void)[] = [];

  constructor(first: T) {
    this.#current = first;
    this.#before = first;
  }

  get current(): T {
    return this.#current;
  }

  /** Calls `listener` on every change, after the listeners that were added before it. */
  onChange(listener: (next: T, before: T) => void): void {
    this.#listeners.push(() => listener(this.#current, this.#before));
  }

  /** Replaces the settings and tells the listeners. */
  replace(next: T): void {
    this.#before = this.#current;
    this.#current = next;
    for (const tell of this.#listeners) tell();
  }
}
