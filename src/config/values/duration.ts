/**
 * Durations as people write them, `250ms` or `2s`, and as the code holds them: whole milliseconds.
 * A bare number is refused: half the world's programs would read it as seconds.
 */

const units: Readonly<Record<string, number>> = { ms: 1, s: 1000, m: 60_000, h: 3_600_000 };

/** The longest a timer can run, ms: Node fires one set for longer at once. */
const longest = 2 ** 31 - 1;

/** `250ms`, `2s`, `1.5s`, `1m`, `1h` or `0` in milliseconds. Throws `Error` with the reason. */
export function parseDuration(text: string): number {
  if (text === '0') return 0;
  const quoted = JSON.stringify(text);
  const match = /^(\d+(?:\.\d+)?)(ms|s|m|h)?$/.exec(text);
  if (match === null) throw new Error(`${quoted} is not a duration; write 2s or 250ms`);
  const [, amount, unit] = match;
  if (unit === undefined) throw new Error(`${quoted} has no unit; write 2s or 250ms`);
  const exact = Number(amount) * (units[unit] ?? Number.NaN);
  const ms = Math.round(exact);
  if (ms > longest) throw new Error(`${quoted} is too long; write at most 596h`);
  // Not `!==`: 1.1 s is 1100.0000000000002 ms in binary.
  if (Math.abs(exact - ms) > 1e-3) {
    throw new Error(`${quoted} is finer than a millisecond; write whole milliseconds`);
  }
  return ms;
}

/** Whole milliseconds in the largest unit that needs no fraction; `parseDuration` undoes it. */
export function formatDuration(ms: number): string {
  if (ms === 0) return '0';
  for (const unit of ['h', 'm', 's']) {
    const amount = ms / (units[unit] ?? Number.NaN);
    if (Number.isInteger(amount)) return `${amount}${unit}`;
  }
  return `${ms}ms`;
}
