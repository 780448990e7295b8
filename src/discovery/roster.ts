/**
 * The roster: the members there are at this moment. Those that stay keep everything, also their
 * connections; the others join and leave.
 *
 * Owns the list, and that no two members have one name. Leaves to its listeners what has to be done
 * for a member that comes or goes.
 */
import { addressOf, keyOf, type Place } from './place.ts';

/** What the roster has to know of a member. */
export interface Listed {
  readonly place: Place;
}

export interface RosterOptions<T extends Listed> {
  /** Makes a member of a place whose name nobody else has. */
  readonly admit: (place: Place) => T;
  readonly onJoin: (member: T) => void;
  /** Called after those that replace it have joined. */
  readonly onLeave: (member: T) => void;
}

export class Roster<T extends Listed> {
  readonly #options: RosterOptions<T>;
  #members: readonly T[];

  /** Those of the start, of whom nobody is told. */
  constructor(places: readonly Place[], options: RosterOptions<T>) {
    this.#options = options;
    this.#members = this.#admit(distinct(places), []);
  }

  /** In the order in which they came. */
  get members(): readonly T[] {
    return this.#members;
  }

  /** Makes these the members. An empty list is no answer and changes nothing. */
  set(places: readonly Place[]): void {
    const wanted = distinct(places);
    if (wanted.length === 0) return;
    const keys = new Set(wanted.map(keyOf));
    const staying = this.#members.filter(({ place }) => keys.has(keyOf(place)));
    const leaving = this.#members.filter((member) => !staying.includes(member));
    const known = new Set(staying.map(({ place }) => keyOf(place)));
    const joining = this.#admit(
      wanted.filter((place) => !known.has(keyOf(place))),
      staying,
    );
    this.#members = [...staying, ...joining];
    for (const member of joining) this.#options.onJoin(member);
    for (const member of leaving) this.#options.onLeave(member);
  }

  /** Replaces what is known of the members by what `amend` makes of it; they stay who they are. */
  amend(amend: (member: T) => T): void {
    this.#members = this.#members.map(amend);
  }

  #admit(places: readonly Place[], beside: readonly T[]): T[] {
    const names = new Set(beside.map(({ place }) => place.name));
    return places.map((place) => {
      const name = names.has(place.name) ? `${place.name}@${addressOf(place)}` : place.name;
      names.add(name);
      return this.#options.admit({ ...place, name });
    });
  }
}

/** The first of those that are the same. */
function distinct(places: readonly Place[]): Place[] {
  return [...new Map(places.toReversed().map((place) => [keyOf(place), place])).values()].reverse();
}
