/**
 * Is there an order of all calls of a key in which every answer is right, and which puts no call before
 * one that had ended when it began? The search is in register-search.ts; here is what it says.
 */
import type { CallRecord } from '../clients/record.ts';
import { counted, type Finding, shown } from './finding.ts';
import { inWords, type Operation, operationsByKey } from './operations.ts';
import { observedBy, RegisterHistory } from './register-history.ts';
import { candidates, type Place, search, waiting } from './register-search.ts';

const check = 'linearizable';
const longestTrail = 4;

/** A finding for each key whose calls have no such order. */
export function checkLinearizable(calls: readonly CallRecord[]): Finding[] {
  return [...operationsByKey(calls)].flatMap(([key, operations]) => {
    const finding = checkRegister(key, operations);
    return finding ? [finding] : [];
  });
}

/**
 * Undefined where the history of this register, null at first, is linearizable; or how far an order can
 * be found and what does not fit then. Also a finding: a value that is written twice, and a history that
 * takes more than `limit` steps to judge.
 */
export function checkRegister(
  key: string,
  operations: readonly Operation[],
  limit = 300_000,
): Finding | undefined {
  const history = new RegisterHistory(operations);
  if (history.writtenTwice !== undefined) {
    const value = shown(history.writtenTwice);
    const what = `The calls of ${key} cannot be judged: two of them write ${value}.`;
    return { check, what };
  }
  const outcome = search(history, limit);
  if (outcome.kind === 'linearizable') return undefined;
  if (outcome.kind === 'stuck') return stuckAt(key, history, outcome.furthest);
  const what = `The calls of ${key} could not be judged within ${counted(outcome.tried, 'step')}.`;
  return { check, what };
}

function stuckAt(key: string, history: RegisterHistory, place: Place): Finding {
  const total = counted(history.known.length, 'answered call');
  const { indices } = candidates(history, place);
  const begin = history.known[0]?.begun ?? 0;
  const blocked = operationsAt(history, indices).map((operation, position) => {
    const others = operationsAt(history, waiting(history, place, indices[position]));
    return timed(operation, begin) + whyNot(history, place, operation, others, begin);
  });
  const trail = trailOf(place);
  const so = trail.length === 0 ? '' : `, at last ${trail.join(', ')}`;
  const what =
    `The calls of ${key} have no order in which every answer is right: ${place.count} of ${total} ` +
    `can be put in order${so}; ${key} holds ${shown(place.value)} then, ` +
    `and none of these can follow: ${blocked.join('; ')}.`;
  const late = waiting(history, place);
  const suspects = operationsAt(history, late.length > 0 ? late : indices);
  return { check, what, at: Math.min(...suspects.map(({ begun }) => begun)) };
}

function operationsAt(history: RegisterHistory, indices: readonly number[]): Operation[] {
  return indices.flatMap((index) => history.known[index] ?? []);
}

/** With its times since the first call of the key. */
function timed(operation: Operation, begin: number): string {
  const [begun, ended] = [operation.begun, operation.ended].map((time) =>
    (time - begin).toFixed(1),
  );
  return `${inWords(operation)} from ${begun} to ${ended} ms`;
}

function trailOf(place: Place): string[] {
  const words: string[] = [];
  for (let step = place.trail; step && words.length < longestTrail; step = step.before) {
    const isUnknown = step.operation.ended === Number.POSITIVE_INFINITY;
    words.unshift(inWords(step.operation) + (isUnknown ? ' (without an answer)' : ''));
  }
  return words;
}

/** `others` still need the value that is there. */
function whyNot(
  history: RegisterHistory,
  place: Place,
  operation: Operation,
  others: readonly Operation[],
  begin: number,
): string {
  const needed = observedBy(operation.action);
  if (needed === undefined || needed === place.value) {
    if (others.length === 0) return '';
    const words = others.map((other) => timed(other, begin));
    return `, after which this cannot be: ${words.join(', ')}`;
  }
  // It is not over either: no value ends in the search before all who saw it have had their turn.
  const writer = history.writer(needed);
  if (!writer) return ', which nobody wrote';
  const isRefused = writer.action.kind === 'swap' && !writer.action.done;
  return isRefused ? ', whose swap was refused' : ', which cannot have been written yet';
}
