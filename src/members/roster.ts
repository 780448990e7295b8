/**
 * The roster: the members there are at this moment. Those that stay keep everything, also their
 * connections; the others join and leave.
 *
 * Owns the list, and that no two members have one name. Leaves to its listeners what has to be done
 * for a member that comes or goes.
 */
import { addressOf, keyOf, type Place } from './place.ts';

/** A member that was revised, and what it was called before. */
export interface Revised<T> {
  readonly member: T;
  readonly before: string;
}

export interface RosterOptions<T> {
  /** Makes a member of a place whose name nobody else has. */
  readonly admit: (place: Place) => T;
  /** The same member where it is, whose name, weight or class is another now. */
  readonly revise: (member: T, place: Place) => T;
  /** Told of all that were revised at once, since two may have changed names. */
  readonly onRevise: (revised: readonly Revised<T>[]) => void;
  readonly onJoin: (member: T) => void;
  /** Called after those that replace it have joined. */
  readonly onLeave: (member: T) => void;
}

export class Roster<T extends { readonly place: Place }> {
  readonly #options: RosterOptions<T>;
  #members: readonly T[];

  /** Those of the start, of whom nobody is told. */
  constructor(places: readonly Place[], options: RosterOptions<T>) {
    this.#options = options;
    this.#members = this.#admit(byKey(places), []);
  }

  /** In the order in which they came. */
  get members(): readonly T[] {
    return this.#members;
  }

  /** Makes these the members. An empty list is no answer and changes nothing. */
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

  /** Replaces what is known of the members by what `amend` makes of it; they stay who they are. */
  amend(amend: (member: T) => T): void {
    this.#members = this.#members.map(amend);
  }

  /** Those of `there` that are mentioned otherwise than before, with what becomes of each. */
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

/** With a name that is not among `names`, to which it is added. */
function distinguished(place: Place, names: Set<string>): Place {
  const name = names.has(place.name) ? withAddress(place) : place.name;
  names.add(name);
  return { ...place, name };
}

function withAddress(place: Place): string {
  return `${place.name}@${addressOf(place)}`;
}

/** Has a member nothing to learn from another mention of its place? Its name may have been distinguished. */
function saysTheSame(place: Place, wanted: Place): boolean {
  const isCalledSo = place.name === wanted.name || place.name === withAddress(wanted);
  return isCalledSo && place.weight === wanted.weight && place.priority === wanted.priority;
}

/** The first of those that are the same. */
function byKey(places: readonly Place[]): Map<string, Place> {
  const found = new Map<string, Place>();
  for (const place of places) if (!found.has(keyOf(place))) found.set(keyOf(place), place);
  return found;
}
