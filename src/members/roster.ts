/**
 * The roster: the current members. When the list changes, members that stay keep everything, including their
 * connections; the others join or leave.
 *
 * Owns the list, and keeps names unique. Its callbacks do the work for members that join or leave.
 */
import { addressOf, keyOf, type Place } from './place.ts';

/** A revised member, and its previous name. */
export interface Revised<T> {
  readonly member: T;
  readonly before: string;
}

export interface RosterOptions<T> {
  /** Makes the member of a place with a unique name. */
  readonly admit: (place: Place) => T;
  /** Returns the member with a changed name, weight or priority. */
  readonly revise: (member: T, place: Place) => T;
  /** Called with all revised members together, since two may have swapped names. */
  readonly onRevise: (revised: readonly Revised<T>[]) => void;
  readonly onJoin: (member: T) => void;
  /** Called after the new members have joined. */
  readonly onLeave: (member: T) => void;
}

export class Roster<T extends { readonly place: Place }> {
  readonly #options: RosterOptions<T>;
  #members: readonly T[];

  /** Makes the initial members without calling `onJoin`. */
  constructor(places: readonly Place[], options: RosterOptions<T>) {
    this.#options = options;
    this.#members = this.#admit(byKey(places), []);
  }

  /** In the order in which they joined. */
  get members(): readonly T[] {
    return this.#members;
  }

  /** Sets the members. An empty list changes nothing. */
  set(places: readonly Place[]): void {
    const wanted = byKey(places);
    if (wanted.size === 0) return;
    const there = this.#members.filter(({ place }) => wanted.has(keyOf(place)));
    const leaving = this.#members.filter((member) => !there.includes(member));
    const before = new Map(there.map((member) => [member, member.place.name]));
    const revisions = this.#revise(there, wanted);
    const staying = there.map((member) => revisions.get(member) ?? member);
    for (const { place } of there) wanted.delete(keyOf(place));
    const joining = this.#admit(wanted, staying);
    this.#members = [...staying, ...joining];
    const { onRevise, onJoin, onLeave } = this.#options;
    const revised = [...revisions].map(([was, member]) => ({
      member,
      before: before.get(was) ?? '',
    }));
    if (revised.length > 0) onRevise(revised);
    for (const member of joining) onJoin(member);
    for (const member of leaving) onLeave(member);
  }

  /** Replaces each member by the result of `amend`, without joining or leaving. */
  amend(amend: (member: T) => T): void {
    this.#members = this.#members.map(amend);
  }

  /** The members of `there` whose place has changed, each with its revised form. */
  #revise(there: readonly T[], wanted: ReadonlyMap<string, Place>): ReadonlyMap<T, T> {
    const mentioned = (member: T): Place => wanted.get(keyOf(member.place)) ?? member.place;
    const changed = there.filter((member) => !saysTheSame(member.place, mentioned(member)));
    const names = namesOf(there.filter((member) => !changed.includes(member)));
    const { revise } = this.#options;
    return new Map(
      changed.map((each) => [each, revise(each, distinguished(mentioned(each), names))]),
    );
  }

  #admit(places: ReadonlyMap<string, Place>, beside: readonly T[]): T[] {
    const names = namesOf(beside);
    const { admit } = this.#options;
    return [...places.values()].map((place) => admit(distinguished(place, names)));
  }
}

function namesOf(members: readonly { readonly place: Place }[]): Set<string> {
  return new Set(members.map(({ place }) => place.name));
}

/** The place with a name that is not in `names`; adds the name to `names`. */
function distinguished(place: Place, names: Set<string>): Place {
  const name = names.has(place.name) ? withAddress(place) : place.name;
  names.add(name);
  return { ...place, name };
}

function withAddress(place: Place): string {
  return `${place.name}@${addressOf(place)}`;
}

/** Are the two places the same in name, weight and priority? The first may have been given a unique name. */
function saysTheSame(place: Place, wanted: Place): boolean {
  const isCalledSo = place.name === wanted.name || place.name === withAddress(wanted);
  return isCalledSo && place.weight === wanted.weight && place.priority === wanted.priority;
}

/** The places by their keys; of several with the same key, the first. */
function byKey(places: readonly Place[]): Map<string, Place> {
  const found = new Map<string, Place>();
  for (const place of places) if (!found.has(keyOf(place))) found.set(keyOf(place), place);
  return found;
}
