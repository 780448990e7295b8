/**
 * Durations as Go writes them, `250ms`, `2s` or `1m30s`, and as the code holds them: whole milliseconds.
 * A bare number is refused: half the world's programs would read it as seconds.
 */

/** In ns, the finest of them, so that one rounding is right: 1.1 s is 1100.0000000000002 ms in binary. */
const units: Readonly<Record<string, number>> = {
  ...{ ns: 1, us: 1e3, µs: 1e3, μs: 1e3 }, // both letters that look like a mu
  ...{ ms: 1e6, s: 1e9, m: 60e9, h: 3600e9 },
};
const part = /(\d+(?:\.\d+)?)(ns|us|µs|μs|ms|s|m|h)/g;
const whole = new RegExp(`^(?:${part.source})+$`);

/** The longest a timer can run, ms: Node fires one set for longer at once. */
const longest = 2 ** 31 - 1;

/** `250ms`, `1.5s`, `1m30s`, `1h` or `0` in milliseconds. Throws `Error` with the reason. */
export function parseDuration(text: string): number {
  if (text === '0') return 0;
  const quoted = JSON.stringify(text);
  if (/^\d+(\.\d+)?$/.test(text)) throw new Error(`${quoted} has no unit; write 2s or 250ms`);
  if (!whole.test(text)) throw new Error(`${quoted} is not a duration; write 2s or 250ms`);
  let exact = 0;
  for (const [, amount, unit = ''] of text.matchAll(part)) {
    exact += Number(amount) * (units[unit] ?? Number.NaN);
  }
  const ms = Math.round(exact / 1e6);
  if (ms > longest) throw new Error(`${quoted} is too long; write at most 596h`);
  if (Math.round(exact) !== ms * 1e6) {
    throw new Error(`${quoted} is finer than a millisecond; write whole milliseconds`);
  }
  return ms;
}

/** Whole milliseconds, as `250ms`, `1.5s`, `10s`, `1m30s` or `1h`; `parseDuration` undoes it. */
export function formatDuration(ms: number): string {
  if (ms === 0) return '0';
  if (ms < 1000) return `${ms}ms`;
  const [hours, minutes] = [Math.floor(ms / 3_600_000), Math.floor((ms % 3_600_000) / 60_000)];
  const seconds = (ms % 60_000) / 1000;
  const shown = [hours && `${hours}h`, minutes && `${minutes}m`, seconds && `${seconds}s`];
  return shown.filter(Boolean).join('');
}
