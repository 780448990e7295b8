/**
 * The settings in force, which a reload replaces. Whoever needs one reads it at the moment of need, so that
 * nothing is frozen at the start; whoever has to act on a change is told of it.
 */
import type { Settings } from './settings.ts';

/** @typeParam T the part of the settings that a room reads. */
export class LiveSettings<T = Settings> {
  #current: T;
  #before: T;
  /** Without `T` in their type: whoever reads a part of the settings takes all of them as well. */
  readonly #listeners: (() => void)[] = [];

  constructor(first: T) {
    this.#current = first;
    this.#before = first;
  }

  get current(): T {
    return this.#current;
  }

  /** Has `listener` told of every change, after those that were added before it. */
  onChange(listener: (next: T, before: T) => void): void {
    this.#listeners.push(() => listener(this.#current, this.#before));
  }

  /** Puts others in force, and tells of it. */
  replace(next: T): void {
    this.#before = this.#current;
    this.#current = next;
    for (const tell of this.#listeners) tell();
  }
}
