/** Is every write that was acknowledged in the store, once, as its answer says, and no other? */
import type { CallRecord, WatchEvent } from '../clients/record.ts';
import { type Finding, shown } from './finding.ts';

const check = 'writes';

/** What the calls are held against. */
export interface Store {
  /** Every event of all keys that calls write, as one reference reader was told, in any order. */
  readonly history: readonly WatchEvent[];
  /** What was read directly at the end; null where there was no key. */
  readonly atEnd: ReadonlyMap<string, string | null>;
}

/**
 * Findings for: an acknowledged write without its event, or with another key or revision; a refused swap
 * that has one; a value of a call that appears twice; a value at a key of these calls that no call wrote;
 * a key that does not hold at the end what the history says.
 */
export function checkWrites(calls: readonly CallRecord[], { history, atEnd }: Store): Finding[] {
  const writes = calls.filter(
    ({ op, value }) => (op === 'put' || op === 'swap') && value !== undefined,
  );
  const eventsByValue = Map.groupBy(
    history.filter(({ type }) => type === 'put'),
    ({ value }) => value,
  );
  const latest = new Map<string, WatchEvent>();
  for (const event of history.toSorted((a, b) => a.revision - b.revision)) {
    latest.set(event.key, event);
  }
  return [
    ...writes.flatMap((call) => judge(call, eventsByValue.get(call.value ?? '') ?? [])),
    ...strangers(writes, history),
    ...[...atEnd].flatMap(([key, value]) => judgeEnd(key, value, latest.get(key))),
  ];
}

/** One write, with all events that have its value. */
function judge(call: CallRecord, events: readonly WatchEvent[]): Finding[] {
  const { client, op, key, error, swapped, revision, ended } = call;
  const value = shown(call.value ?? null);
  const says = (words: string, at: number): Finding => ({ check, what: `${words}.`, at });
  const first = events[0];
  const found: Finding[] = [];
  if (events.length > 1) {
    const places = events.map(placeOf).join(', ');
    const words = `The value ${value} that ${client} wrote once to ${key} is in the history`;
    found.push(says(`${words} ${events.length} times: ${places}`, ended));
  }
  const wrote = `${value} that ${client} wrote to ${key}`;
  if (error !== undefined) {
    const elsewhere = first && events.every((event) => event.key !== key);
    if (elsewhere) found.push(says(`The value ${wrote} is ${placeOf(first)}`, ended));
    return found;
  }
  if (op === 'swap' && !swapped) {
    const words = `The swap of ${shown(call.expected ?? null)} to ${value} by ${client} at ${key}`;
    if (first) found.push(says(`${words} was refused, but is ${placeOf(first)}`, ended));
    return found;
  }
  const matches = (event: WatchEvent) =>
    event.key === key && (revision === undefined || event.revision === revision);
  if (events.some(matches)) return found;
  const acknowledged = revision === undefined ? '' : ` at revision ${revision}`;
  const instead = first
    ? `but is ${events.map(placeOf).join(', ')}`
    : 'but is not in the history of the store';
  return [...found, says(`The value ${wrote} was acknowledged${acknowledged}, ${instead}`, ended)];
}

function placeOf({ key, revision }: WatchEvent): string {
  return `at ${key} at revision ${revision}`;
}

/** Values that no call wrote, at keys that calls write. */
function strangers(writes: readonly CallRecord[], history: readonly WatchEvent[]): Finding[] {
  const keys = new Set(writes.map(({ key }) => key));
  const values = new Set(writes.map(({ value }) => value));
  return history
    .filter(({ key, type, value }) => type === 'put' && keys.has(key) && !values.has(value))
    .map(({ key, value, revision, at }) => ({
      check,
      what: `The history has ${shown(value)} at ${key} at revision ${revision}, which no client wrote.`,
      at,
    }));
}

function judgeEnd(key: string, value: string | null, last: WatchEvent | undefined): Finding[] {
  const expected = last?.type === 'put' ? last.value : null;
  if (value === expected) return [];
  const since = last ? ` since revision ${last.revision}` : '';
  const what = `At the end ${key} holds ${shown(value)}, but ${shown(expected)} by the history${since}.`;
  return [{ check, what }];
}
