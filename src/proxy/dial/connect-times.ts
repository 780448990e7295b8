/**
 * How long it takes to connect to a member, learned from the dials that succeeded, so that a race
 * begins when an attempt is late for *that* member and not only when it would be late for any. Pure.
 */

/** An attempt that takes this many times the usual is late. */
const lateness = 10;
/** But none is late before this, ms: a busy host is not a lost packet. */
const floor = 50;
/** The weight of the newest time in the running mean. */
const newest = 0.2;

/** The running mean once a dial has succeeded after `duration`; all in ms. */
export function meanConnectTime(mean: number | undefined, duration: number): number {
  return mean === undefined ? duration : mean + newest * (duration - mean);
}

/**
 * How long to wait for a member before another is tried beside it, ms.
 *
 * @param longest for a member of which nothing is known, and at most, ms.
 */
export function raceAfter(mean: number | undefined, longest: number): number {
  return mean === undefined ? longest : Math.min(longest, Math.max(floor, lateness * mean));
}
