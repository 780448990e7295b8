/** Amounts as people read them. Pure. */
import { formatBytes } from '../../../lib/text/quantities.ts';

export { formatMs as milliseconds, formatShare as percent } from '../../../lib/text/quantities.ts';

/** "1 session", "2 sessions". */
export function count(number: number, noun: string): string {
  return `${number.toLocaleString('en')} ${noun}${number === 1 ? '' : 's'}`;
}

/** "512 B", "20.5 kB", "1.2 GB". */
export function bytes(number: number): string {
  return formatBytes(number, true);
}

/** "a", "a and b", "a, b and c". */
export function listed(names: readonly string[]): string {
  if (names.length < 2) return names[0] ?? '';
  return `${names.slice(0, -1).join(', ')} and ${names.at(-1)}`;
}

/** "An operator moves the leader", for the start of a sentence. */
export function capitalized(words: string): string {
  return words.charAt(0).toUpperCase() + words.slice(1);
}

/** "no", "one", "two", up to "six", then digits. */
export function inWords(number: number): string {
  return ['no', 'one', 'two', 'three', 'four', 'five', 'six'][number] ?? `${number}`;
}
