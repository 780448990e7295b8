/**
 * The operations of one register, laid out for a search: those of a known outcome by their beginning,
 * those of an unknown one apart, who writes a value and who sees it. No value is written twice.
 */
import type { Action, Operation } from './operations.ts';

/** An operation of unknown outcome. A read of that kind says nothing and is not kept. */
export type Unknown = Operation & { readonly action: Exclude<Action, { readonly kind: 'read' }> };

export class RegisterHistory {
  /** In the order in which they began. Each of them has happened. */
  readonly known: readonly Operation[];
  /** In the order in which they began. Each of them has happened once or never. */
  readonly unknown: readonly Unknown[];
  /** A value that two operations write: a history that cannot be judged. */
  readonly writtenTwice: string | undefined;
  readonly #writers = new Map<string, Operation>();
  readonly #unknownWriters = new Map<string, number>();
  readonly #observers = new Map<string | null, number[]>();
  readonly #expected = new Set<string | null>();

  constructor(operations: readonly Operation[]) {
    const sorted = operations.toSorted((a, b) => a.begun - b.begun);
    this.known = sorted.filter(({ ended }) => Number.isFinite(ended));
    this.unknown = sorted.filter(isUnknownWrite);
    for (const [index, { action }] of this.known.entries()) {
      const seen = observedBy(action);
      if (seen === undefined) continue;
      const others = this.#observers.get(seen);
      if (others) others.push(index);
      else this.#observers.set(seen, [index]);
    }
    for (const operation of [...this.known, ...this.unknown]) {
      const { action } = operation;
      if (action.kind === 'swap') this.#expected.add(action.expected);
      if (action.kind === 'read') continue;
      if (this.#writers.has(action.value)) this.writtenTwice = action.value;
      this.#writers.set(action.value, operation);
    }
    for (const [index, { action }] of this.unknown.entries()) {
      this.#unknownWriters.set(action.value, index);
    }
  }

  /** Who writes this value, if anybody: answered, refused or of unknown outcome. */
  writer(value: string | null): Operation | undefined {
    return value === null ? undefined : this.#writers.get(value);
  }

  /** The index among the unknown ones of that which writes this value. */
  unknownWriter(value: string | null): number | undefined {
    return value === null ? undefined : this.#unknownWriters.get(value);
  }

  /** The indices of known operations that can only happen while the register holds this value. */
  observers(value: string | null): readonly number[] {
    return this.#observers.get(value) ?? [];
  }

  /** Does it make no difference to any other operation that the register holds this value? */
  isUnobserved(value: string): boolean {
    return !this.#observers.has(value) && !this.#expected.has(value);
  }
}

function isUnknownWrite(operation: Operation): operation is Unknown {
  return operation.ended === Number.POSITIVE_INFINITY && operation.action.kind !== 'read';
}

/** What the register must hold for it; undefined where anything, or anything but one value, will do. */
export function observedBy(action: Action): string | null | undefined {
  if (action.kind === 'read') return action.value;
  return action.kind === 'swap' && action.done ? action.expected : undefined;
}
