/**
 * Looks for an order of one register's operations in which every answer is right, by Wing & Gong's search
 * with Lowe's memory: of two ways to have carried out the same operations that leave the same value, the
 * second is not tried. What keeps it fast, and why no order is overlooked:
 *
 * - What changes nothing and fits the value (a read, a refused swap) is taken at once. Moved to the front
 *   of any order that goes on from here, it changes nothing for the others.
 * - A value does not end before all who saw it have had their turn: it is written once, so it does not
 *   come back.
 * - An operation of unknown outcome is only carried out right before one that needs it: a read or swap
 *   that finds its value, or a swap that is refused though the value before is what it expects. Take an
 *   order with as few unknown operations as possible, each as late as possible. What follows one of them
 *   directly is not a write, which leaves the same value without it; and what would get the same answer
 *   before it would stand there. The value to be found has one writer, so there is one way to get to it;
 *   to have a swap refused, each of them can serve.
 * - So an unknown write that nobody observes is dropped where no swap was refused, for then nothing needs
 *   it. Else it may be the very reason for the refusal; but any one of them is as good as another that has
 *   begun, so the first will do.
 *
 * Moments at which nothing is in flight need no splitting: what was carried out up to there is the same
 * set in every order, and the memory does the rest.
 */
import type { Operation } from './operations.ts';
import type { RegisterHistory } from './register-history.ts';

/** Operations that have been carried out, and what the register holds then. Never changed. */
export interface Place {
  /** All known operations below this index, and these beyond it. */
  readonly low: number;
  readonly beyond: ReadonlySet<number>;
  /** Indices of unknown ones. */
  readonly used: ReadonlySet<number>;
  readonly value: string | null;
  /** Known ones so far. */
  readonly count: number;
  /** The last one, and what was before. */
  readonly trail: Trail | undefined;
}

export interface Trail {
  readonly operation: Operation;
  readonly before: Trail | undefined;
}

export type Outcome =
  | { readonly kind: 'linearizable' }
  /** No place is further than this, and nothing can follow on it. */
  | { readonly kind: 'stuck'; readonly furthest: Place }
  /** More places than were to be tried. */
  | { readonly kind: 'undecided'; readonly tried: number };

/** Tries at most so many places. The register holds null at first. */
export function search(history: RegisterHistory, limit: number): Outcome {
  const start: Place = {
    ...{ low: 0, beyond: new Set<number>(), used: new Set<number>() },
    ...{ value: null, count: 0, trail: undefined },
  };
  let furthest = settle(history, start);
  const open = [furthest];
  const seen = new Set<string>();
  for (let place = open.pop(); place; place = open.pop()) {
    if (place.count === history.known.length) return { kind: 'linearizable' };
    const key = keyOf(place);
    if (seen.has(key)) continue;
    if (seen.size === limit) return { kind: 'undecided', tried: limit };
    seen.add(key);
    if (place.count > furthest.count) furthest = place;
    for (const next of successors(history, place).reverse()) open.push(settle(history, next));
  }
  return { kind: 'stuck', furthest };
}

function keyOf({ low, beyond, used, value }: Place): string {
  const sorted = (indices: ReadonlySet<number>) => [...indices].sort((a, b) => a - b).join();
  return `${low}/${sorted(beyond)}/${sorted(used)}/${value === null ? '' : `=${value}`}`;
}

/** Has this known operation had its turn? */
function isDone(place: Place, index: number): boolean {
  return index < place.low || place.beyond.has(index);
}

/**
 * The known operations that may be next: none that is still to come had ended when they began. And the
 * time up to which an unknown one must have begun to be next.
 */
export function candidates(history: RegisterHistory, place: Place) {
  const indices: number[] = [];
  let horizon = Number.POSITIVE_INFINITY;
  for (let index = place.low; index < history.known.length; index += 1) {
    const { begun, ended } = at(history.known, index);
    if (begun > horizon) break;
    if (place.beyond.has(index)) continue;
    indices.push(index);
    horizon = Math.min(horizon, ended);
  }
  return { indices, horizon };
}

/** The known operations still to come that need the value of this place, but for one. */
export function waiting(history: RegisterHistory, place: Place, except?: number): number[] {
  const observers = history.observers(place.value);
  return observers.filter((index) => index !== except && !isDone(place, index));
}

/** Takes all that changes nothing. */
function settle(history: RegisterHistory, from: Place): Place {
  let place = from;
  for (;;) {
    const { value } = place;
    const next = candidates(history, place).indices.find((index) => {
      const { action } = at(history.known, index);
      if (action.kind === 'read') return action.value === value;
      return action.kind === 'swap' && !action.done && action.expected !== value;
    });
    if (next === undefined) return place;
    place = carriedOut(history, place, next, value);
  }
}

/** The places to which one write leads, known or unknown. */
function successors(history: RegisterHistory, place: Place): Place[] {
  const { indices, horizon } = candidates(history, place);
  return indices.flatMap((index) => {
    const { action } = at(history.known, index);
    const found = action.kind === 'swap' && action.expected === place.value;
    if (action.kind === 'write' || (found && action.done)) {
      if (waiting(history, place, index).length > 0) return [];
      return [carriedOut(history, place, index, action.value)];
    }
    if (found) return changedSomehow(history, place, horizon);
    const needed = action.kind === 'read' ? action.value : action.expected;
    const led = ledTo(history, place, needed, horizon);
    return led ? [led] : [];
  });
}

/** After unknown operations by which the register comes to hold `needed`; undefined if there are none. */
function ledTo(history: RegisterHistory, from: Place, needed: string | null, horizon: number) {
  const chain: number[] = [];
  for (let value = needed; ; ) {
    const index = history.unknownWriter(value);
    if (index === undefined || from.used.has(index) || chain.includes(index)) return undefined;
    const { action, begun } = at(history.unknown, index);
    if (begun > horizon) return undefined;
    chain.unshift(index);
    if (action.kind === 'write' || action.expected === from.value) break;
    value = action.expected;
  }
  let place = from;
  for (const index of chain) {
    if (waiting(history, place).length > 0) return undefined;
    place = used(history, place, index);
  }
  return place;
}

/** After any one unknown operation that changes the value. */
function changedSomehow(history: RegisterHistory, place: Place, horizon: number): Place[] {
  if (waiting(history, place).length > 0) return [];
  let hasUnobserved = false;
  return history.unknown.flatMap(({ action, begun }, index) => {
    if (begun > horizon || place.used.has(index)) return [];
    if (action.kind === 'swap' && action.expected !== place.value) return [];
    if (action.kind === 'write' && history.isUnobserved(action.value)) {
      if (hasUnobserved) return [];
      hasUnobserved = true;
    }
    return [used(history, place, index)];
  });
}

function used(history: RegisterHistory, place: Place, index: number): Place {
  const operation = at(history.unknown, index);
  const trail = { operation, before: place.trail };
  return { ...place, used: new Set(place.used).add(index), value: operation.action.value, trail };
}

function carriedOut(
  history: RegisterHistory,
  place: Place,
  index: number,
  value: string | null,
): Place {
  const beyond = new Set(place.beyond).add(index);
  let { low } = place;
  while (beyond.delete(low)) low += 1;
  const trail = { operation: at(history.known, index), before: place.trail };
  return { low, beyond, used: place.used, value, count: place.count + 1, trail };
}

function at<T>(list: readonly T[], index: number): T {
  const item = list[index];
  if (item === undefined) throw new RangeError(`there is no ${index}`);
  return item;
}
