/** Times as people say them. Pure. */
import { formatAge } from '../../../lib/text/quantities.ts';

export { formatAge as duration, formatSeconds as tenths } from '../../../lib/text/quantities.ts';

/** "12 s ago"; "now" within the last second, and for a time in the future. */
export function ago(ms: number): string {
  return ms < 1_000 ? 'now' : `${formatAge(ms)} ago`;
}

/** "20:42:06.9", or "22 Nov 20:42:06.9" when `now` is another day; in the reader's time zone. */
export function clock(at: Date, now: Date): string {
  const time = at.toLocaleTimeString('en-GB', {
    hour12: false,
    fractionalSecondDigits: 1,
    ...{ hour: '2-digit', minute: '2-digit', second: '2-digit' },
  });
  if (at.toDateString() === now.toDateString()) return time;
  return `${at.toLocaleDateString('en-GB', { day: 'numeric', month: 'short' })} ${time}`;
}
