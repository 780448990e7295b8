/** Sizes and times as people read them: rounded, with the unit that fits. */

/** Decimal, as disks are sold and etcd's log has it: `512 B`, `1.5 MB`, `2.1 GB`. */
export function sizeInWords(bytes: number): string {
  for (const [unit, amount] of [
    ['TB', 1e12],
    ['GB', 1e9],
    ['MB', 1e6],
    ['kB', 1e3],
  ] as const) {
    if (bytes >= amount) return `${rounded(bytes / amount)} ${unit}`;
  }
  return `${Math.round(bytes)} B`;
}

/** From seconds: `350 ms`, `12 s`, `5 min`, `3 h`, `12 days`. */
export function timeInWords(seconds: number): string {
  if (seconds < 1) return `${rounded(seconds * 1000)} ms`;
  if (seconds < 120) return `${rounded(seconds)} s`;
  if (seconds < 120 * 60) return `${Math.round(seconds / 60)} min`;
  if (seconds < 48 * 3600) return `${Math.round(seconds / 3600)} h`;
  return `${Math.round(seconds / 86_400)} days`;
}

/** One decimal below ten, none above. */
function rounded(value: number): number {
  return value < 10 ? Math.round(value * 10) / 10 : Math.round(value);
}
