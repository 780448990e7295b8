/** Times as people say them. Pure. */

const second = 1_000;
const minute = 60 * second;
const hour = 60 * minute;
const day = 24 * hour;

/** "12 s", "3 min", "2 h 5 min", "3 d 4 h", for a duration in ms. */
export function duration(ms: number): string {
  if (ms < minute) return `${Math.max(0, Math.floor(ms / second))} s`;
  if (ms < hour) return `${Math.floor(ms / minute)} min`;
  if (ms < day) return joined(Math.floor(ms / hour), 'h', Math.floor((ms % hour) / minute), 'min');
  return joined(Math.floor(ms / day), 'd', Math.floor((ms % day) / hour), 'h');
}

/** "0.8 s", for what is over within seconds. */
export function tenths(ms: number): string {
  return `${(Math.max(0, ms) / second).toFixed(1)} s`;
}

/** "12 s ago"; "now" within the last second, and for what a clock says is yet to come. */
export function ago(ms: number): string {
  return ms < second ? 'now' : `${duration(ms)} ago`;
}

/** "20:42:06.9", or "22 Nov 20:42:06.9" when that was another day than `now`; in the reader's time zone. */
export function clock(at: Date, now: Date): string {
  const time = at.toLocaleTimeString('en-GB', {
    hour12: false,
    fractionalSecondDigits: 1,
    ...{ hour: '2-digit', minute: '2-digit', second: '2-digit' },
  });
  if (at.toDateString() === now.toDateString()) return time;
  return `${at.toLocaleDateString('en-GB', { day: 'numeric', month: 'short' })} ${time}`;
}

function joined(large: number, unit: string, small: number, smallUnit: string): string {
  return small === 0 ? `${large} ${unit}` : `${large} ${unit} ${small} ${smallUnit}`;
}
