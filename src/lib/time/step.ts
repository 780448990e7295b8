/**
 * Periodic work runs in step: at multiples of its interval since this process started, so that the
 * process wakes up once for all members. Waking up is most of the cost of a check (test/bench/JOURNAL.md).
 * Balancers on other hosts started at other times, so they are not in step with this one.
 */

/** The next moment in step after `after`, both ms of `performance.now()`. `interval` in ms. */
export function nextInStep(after: number, interval: number): number {
  return (Math.floor(after / interval) + 1) * interval;
}
