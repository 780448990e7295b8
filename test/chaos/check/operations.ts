/** What was done to one register, as the linearizability check takes it. */
import type { CallRecord } from '../clients/record.ts';
import { shown } from './finding.ts';

export type Action =
  | { readonly kind: 'write'; readonly value: string }
  | { readonly kind: 'read'; readonly value: string | null }
  | {
      readonly kind: 'swap';
      readonly expected: string | null;
      readonly value: string;
      /** Was `expected` found? Says nothing where the outcome is unknown. */
      readonly done: boolean;
    };

export interface Operation {
  readonly client: string;
  /** ms. */
  readonly begun: number;
  /** ms; Infinity where the outcome is unknown: it happened at any time after it began, or never. */
  readonly ended: number;
  readonly action: Action;
  /** Of the answer; only for words. */
  readonly revision?: number;
}

/**
 * The operations of each key that was put, read or swapped. A read that failed says nothing and is left
 * out; a write that failed has an unknown outcome. Throws a TypeError where a record lacks what its kind
 * of call must have.
 */
export function operationsByKey(calls: readonly CallRecord[]): Map<string, Operation[]> {
  const keys = new Map<string, Operation[]>();
  for (const call of calls) {
    const failed = call.error !== undefined;
    if (call.op === 'range' || (call.op === 'get' && failed)) continue;
    const operation: Operation = {
      client: call.client,
      begun: call.begun,
      ended: failed ? Number.POSITIVE_INFINITY : call.ended,
      action: actionOf(call),
      ...(call.revision !== undefined && { revision: call.revision }),
    };
    const others = keys.get(call.key);
    if (others) others.push(operation);
    else keys.set(call.key, [operation]);
  }
  return keys;
}

function actionOf(call: CallRecord): Action {
  if (call.op === 'get') return { kind: 'read', value: present(call, 'read') };
  const value = present(call, 'value');
  if (call.op === 'put') return { kind: 'write', value };
  const done = call.error === undefined ? present(call, 'swapped') : true;
  return { kind: 'swap', expected: present(call, 'expected'), value, done };
}

function present<K extends keyof CallRecord>(call: CallRecord, name: K) {
  const value = call[name];
  if (value !== undefined) return value as Exclude<CallRecord[K], undefined>;
  throw new TypeError(`a ${call.op} of ${call.key} by ${call.client} has no ${name}`);
}

/** Such as `register 3 reads "a" (revision 7)`. */
export function inWords({ client, action, revision }: Operation): string {
  const known = revision === undefined ? '' : ` (revision ${revision})`;
  if (action.kind === 'write') return `${client} puts ${shown(action.value)}${known}`;
  if (action.kind === 'read') return `${client} reads ${shown(action.value)}${known}`;
  const change = `${shown(action.expected)} to ${shown(action.value)}${known}`;
  return `${client} ${action.done ? 'swaps' : 'is refused to swap'} ${change}`;
}
