/**
 * The settings in force, which a reload replaces. Whoever needs one reads it at the moment of need, so that
 * nothing is frozen at the start; whoever has to act on a change is told of it.
 */
import type { Settings } from './settings.ts';

/** What a room needs of them. @typeParam T the part of the settings that it reads. */
export interface Live<T> {
  readonly current: T;
  /** Has `listener` told of every change, after those that were added before it. */
  onChange(listener: (next: T, before: T) => void): void;
}

export class LiveSettings<T = Settings> implements Live<T> {
  #current: T;
  readonly #listeners: ((next: T, before: T) => void)[] = [];

  constructor(first: T) {
    this.#current = first;
  }

  get current(): T {
    return this.#current;
  }

  onChange(listener: (next: T, before: T) => void): void {
    this.#listeners.push(listener);
  }

  /** Puts others in force, and tells of it. */
  replace(next: T): void {
    const before = this.#current;
    this.#current = next;
    for (const listener of this.#listeners) listener(next, before);
  }
}
