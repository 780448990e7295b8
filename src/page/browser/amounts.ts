/** Amounts as people read them. Pure. */

/** "1 session", "2 sessions". */
export function count(number: number, noun: string): string {
  return `${number.toLocaleString('en')} ${noun}${number === 1 ? '' : 's'}`;
}

/** "512 B", "20.5 kB", "1.2 GB": three digits and decimal units, as networks and disks are sold. */
export function bytes(number: number): string {
  const units = ['B', 'kB', 'MB', 'GB', 'TB'];
  let amount = number;
  let unit = 0;
  // What would be shown as 1000 kB is 1.0 MB.
  while (unit < units.length - 1 && Math.round(amount) >= 1_000) {
    amount /= 1_000;
    unit += 1;
  }
  const digits = unit === 0 || amount >= 99.95 ? 0 : 1;
  return `${amount.toFixed(digits)} ${units[unit]}`;
}

/** "1.2 ms", "700 ms", "1.5 s". */
export function milliseconds(ms: number): string {
  if (ms >= 1_000) return `${(ms / 1_000).toFixed(1)} s`;
  return `${ms < 10 ? ms.toFixed(1) : Math.round(ms)} ms`;
}

/** "a", "a and b", "a, b and c". */
export function listed(names: readonly string[]): string {
  if (names.length < 2) return names[0] ?? '';
  return `${names.slice(0, -1).join(', ')} and ${names.at(-1)}`;
}

/** "An operator moves the leader", for the begin of a sentence. */
export function capitalized(words: string): string {
  return words.charAt(0).toUpperCase() + words.slice(1);
}

/** "no", "one", "two", up to "six", then digits. */
export function inWords(number: number): string {
  return ['no', 'one', 'two', 'three', 'four', 'five', 'six'][number] ?? `${number}`;
}
