/**
 * Sizes and times for people: rounded, with a fitting unit. Pure; the status page uses it too. Durations in
 * settings are config/values/duration.ts.
 */

const second = 1_000;
const minute = 60 * second;
const hour = 60 * minute;
const day = 24 * hour;

/**
 * In decimal units, as for disks and in etcd's log: `512 B`, `20 kB`, `1.5 MB`.
 *
 * @param isSteady with tenths below 100, for a figure that changes on the screen: `20.5 kB`, `1.0 MB`.
 */
export function formatBytes(bytes: number, isSteady = false): string {
  const units = ['B', 'kB', 'MB', 'GB', 'TB'];
  let amount = bytes;
  let unit = 0;
  // 1000 kB is shown as 1 MB.
  while (unit < units.length - 1 && Math.round(amount) >= 1_000) {
    amount /= 1_000;
    unit += 1;
  }
  if (unit === 0) return `${Math.round(amount)} B`;
  const shown = isSteady ? amount.toFixed(amount < 99.95 ? 1 : 0) : rounded(amount);
  return `${shown} ${units[unit]}`;
}

/** A share of a whole: `12 %` for 0.12; what is less than `1 %` is shown as that. */
export function formatShare(share: number): string {
  return `${Math.max(1, Math.round(share * 100))} %`;
}

/** A short duration: `0.4 ms`, `12 ms`, `1.3 s`. */
export function formatMs(ms: number): string {
  const exact = rounded(ms);
  if (exact >= second) return formatSeconds(ms);
  return `${exact < 10 ? exact.toFixed(1) : exact} ms`;
}

/** A duration of `ms` in seconds with tenths: `0.8 s`. */
export function formatSeconds(ms: number): string {
  return `${(Math.max(0, ms) / second).toFixed(1)} s`;
}

/** An age, `ms` rounded down: `12 s`, `3 min`, `2 h 5 min`, `3 d 4 h`. */
export function formatAge(ms: number): string {
  if (ms < minute) return `${Math.max(0, Math.floor(ms / second))} s`;
  if (ms < hour) return `${Math.floor(ms / minute)} min`;
  if (ms < day) return joined(Math.floor(ms / hour), 'h', Math.floor((ms % hour) / minute), 'min');
  return joined(Math.floor(ms / day), 'd', Math.floor((ms % day) / hour), 'h');
}

/** An approximate time for a sentence: `4.2 ms`, `12 s`, `5 min`, `24 h`, `12 days`. */
export function roughTime(seconds: number): string {
  const ms = seconds * second;
  if (ms < second) return `${rounded(ms)} ms`;
  if (ms < 2 * minute) return `${rounded(seconds)} s`;
  if (ms < 2 * hour) return `${Math.round(ms / minute)} min`;
  if (ms < 2 * day) return `${Math.round(ms / hour)} h`;
  return `${Math.round(ms / day)} days`;
}

/** Rounded to whole numbers, below ten to tenths. */
export function rounded(value: number): number {
  const tenths = Math.round(value * 10) / 10;
  return tenths < 10 ? tenths : Math.round(value);
}

function joined(large: number, unit: string, small: number, smallUnit: string): string {
  return small === 0 ? `${large} ${unit}` : `${large} ${unit} ${small} ${smallUnit}`;
}
