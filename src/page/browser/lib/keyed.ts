/** One part of the page for each thing, such as a member: made when it appears, removed when it goes. */
import { arrange } from './element.ts';

/** What shows one thing. */
export interface View<Thing> {
  readonly root: Element;
  show(thing: Thing): void;
  /** Releases what would outlive the root. */
  close?(): void;
}

export class Keyed<Thing> {
  readonly #parent: Element;
  readonly #keyOf: (thing: Thing) => string;
  readonly #make: (thing: Thing) => View<Thing>;
  readonly #views = new Map<string, View<Thing>>();

  constructor(
    parent: Element,
    keyOf: (thing: Thing) => string,
    make: (thing: Thing) => View<Thing>,
  ) {
    this.#parent = parent;
    this.#keyOf = keyOf;
    this.#make = make;
  }

  /** Shows these, in this order, and no others. */
  show(things: readonly Thing[]): void {
    const keys = new Set(things.map(this.#keyOf));
    for (const [key, view] of this.#views) {
      if (keys.has(key)) continue;
      view.close?.();
      this.#views.delete(key);
    }
    const roots = things.map((thing) => {
      const key = this.#keyOf(thing);
      const view = this.#views.get(key) ?? this.#make(thing);
      this.#views.set(key, view);
      view.show(thing);
      return view.root;
    });
    arrange(this.#parent, roots);
  }
}
