/**
 * Questions that are asked now and then are asked in step: at the multiples of their interval since this
 * process started, so that it wakes up once for all members. Waking up is most of what a check costs
 * (test/bench/JOURNAL.md). Balancers on other hosts started at other moments, so they are not in step
 * with this one.
 */

/** The next moment in step after `after`, both ms of `performance.now()`. `interval` in ms. */
export function nextInStep(after: number, interval: number): number {
  return (Math.floor(after / interval) + 1) * interval;
}
