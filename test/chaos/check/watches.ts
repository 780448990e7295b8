/** Was a watch told all events of its prefix, once, in order, and nothing else? */
import type { WatchEvent, WatchRecord } from '../clients/record.ts';
import { counted, type Finding, shown } from './finding.ts';

const check = 'watches';

/** What is wrong with one event that a watch was told; in words, of one or several of them. */
const wrongs = {
  again: 'a second time',
  late: 'after later ones',
  early: 'from before its first revision',
  foreign: 'of a key that is not of its prefix',
  changed: 'in another way than the history has it',
  unknown: 'that the history does not have',
} as const;
type Wrong = keyof typeof wrongs;

/** Events in a row with the same fault, and the times around it. */
interface Run {
  readonly wrong: Wrong | 'missing';
  readonly events: WatchEvent[];
  /** When the watch was told the event before them; its beginning is not known. */
  readonly before: number | undefined;
  /** When it was told the last of them, or, where they are missing, the next event; if any. */
  after: number | undefined;
}

/**
 * Holds one watch against the true history, which has every event up to `until` at least, in the order of
 * revisions. Events beyond all that the history has cannot be judged but for their order.
 */
export function checkWatch(
  watch: WatchRecord,
  history: readonly WatchEvent[],
  until: number,
): Finding[] {
  const told = toldWrongly(watch, history, until);
  const runs = [...told, ...missing(watch, history, until)];
  const findings = runs.map((run): Finding => {
    const { wrong, events, before, after } = run;
    const which = `${counted(events.length, 'event')} ${range(events)}`;
    const where = whereabouts(watch, before, after);
    const words = wrong === 'missing' ? 'was not told' : 'was told';
    const how = wrong === 'missing' ? '' : ` ${wrongs[wrong]}`;
    const what = `${watch.watcher} of ${watch.prefix} ${words} ${which}${how}, ${where}.`;
    const at = after ?? before;
    return at === undefined ? { check, what } : { check, what, at };
  });
  if (watch.lost === undefined) return findings;
  const last = watch.events.at(-1);
  const since = last ? `after revision ${last.revision}` : 'before its first event';
  const what = `${watch.watcher} of ${watch.prefix} has given up ${since}: ${watch.lost}.`;
  return [...findings, last ? { check, what, at: last.at } : { check, what }];
}

function toldWrongly(watch: WatchRecord, history: readonly WatchEvent[], until: number): Run[] {
  const truth = new Map(history.map((event) => [idOf(event), event]));
  const horizon = history.reduce((last, { revision }) => Math.max(last, revision), until);
  const seen = new Map<string, WatchEvent>();
  const runs: Run[] = [];
  let highest = 0;
  let previous: Wrong | undefined;
  for (const [index, event] of watch.events.entries()) {
    const id = idOf(event);
    const earlier = seen.get(id);
    const wrong = wrongOf(event);
    if (wrong !== undefined) {
      const run = runs.at(-1);
      if (run && wrong === previous) {
        run.events.push(event);
        run.after = event.at;
      } else {
        const before = earlier?.at ?? watch.events[index - 1]?.at;
        runs.push({ wrong, events: [event], before, after: event.at });
      }
    }
    previous = wrong;
    seen.set(id, event);
    highest = Math.max(highest, event.revision);
  }
  return runs;

  function wrongOf(event: WatchEvent): Wrong | undefined {
    const real = truth.get(idOf(event));
    if (!event.key.startsWith(watch.prefix)) return 'foreign';
    if (!real && event.revision <= horizon) return 'unknown';
    if (real && (real.type !== event.type || real.value !== event.value)) return 'changed';
    if (seen.has(idOf(event))) return 'again';
    if (event.revision < watch.from) return 'early';
    return event.revision < highest ? 'late' : undefined;
  }
}

/** Events in a row that the watch was never told. */
function missing(watch: WatchRecord, history: readonly WatchEvent[], until: number): Run[] {
  const told = new Map(watch.events.toReversed().map((event) => [idOf(event), event]));
  const due = history.filter(
    ({ key, revision }) =>
      key.startsWith(watch.prefix) && revision >= watch.from && revision <= until,
  );
  const runs: Run[] = [];
  let gap: WatchEvent[] = [];
  let before: number | undefined;
  for (const event of due) {
    const found = told.get(idOf(event));
    if (!found) {
      gap.push(event);
      continue;
    }
    if (gap.length > 0) runs.push({ wrong: 'missing', events: gap, before, after: found.at });
    gap = [];
    before = found.at;
  }
  if (gap.length > 0) runs.push({ wrong: 'missing', events: gap, before, after: undefined });
  return runs;
}

/** An event of a revision: a transaction changes a key once. */
function idOf({ revision, key }: WatchEvent): string {
  return `${revision} ${key}`;
}

function range(events: readonly WatchEvent[]): string {
  const [first, last] = [events[0], events.at(-1)];
  if (!first || !last) return '';
  const { type, key, value, revision } = first;
  const what = type === 'put' ? `put of ${shown(value)} to ${key}` : `delete of ${key}`;
  if (first === last) return `(${what} at revision ${revision})`;
  return `(revision ${revision} to ${last.revision}, the first a ${what})`;
}

/** Between two events that it was told, or before or after all of them, and next to which resumes. */
function whereabouts(
  { resumed }: WatchRecord,
  before = Number.NEGATIVE_INFINITY,
  after = Number.POSITIVE_INFINITY,
): string {
  if (resumed.length === 0) return 'and never resumed';
  const numbered = resumed.map((at, index) => ({
    at,
    name: `resume ${index + 1} of ${resumed.length}`,
  }));
  const within = numbered.filter(({ at }) => at >= before && at <= after);
  if (within.length > 0) return `across ${within.map(({ name }) => name).join(' and ')}`;
  const last = numbered.findLast(({ at }) => at < before);
  if (!last) return 'before it first resumed';
  return `${(before - last.at).toFixed(1)} ms after ${last.name}, and none since`;
}
