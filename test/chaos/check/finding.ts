/** What a check of a history has to say, and how values are shown in it. */

/** One thing that must not have happened. */
export interface Finding {
  /** Which check says so, such as `linearizable`. */
  readonly check: string;
  /** One plain sentence. */
  readonly what: string;
  /** When it was seen, ms since 1970 on the clock of all records. */
  readonly at?: number;
}

const longest = 40;

/** A value in words: quoted, cut when it is long; null is a key that is not there. */
export function shown(value: string | null): string {
  if (value === null) return 'no value';
  if (value.length <= longest) return JSON.stringify(value);
  return `${JSON.stringify(value.slice(0, longest))}… (${value.length} characters)`;
}

/** `1 event`, `2 events`. */
export function counted(count: number, noun: string): string {
  return `${count} ${noun}${count === 1 ? '' : 's'}`;
}
