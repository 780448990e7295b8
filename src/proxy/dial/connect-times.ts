/**
 * How long it takes to connect to a member, learned from the dials that succeeded. A race begins when
 * an attempt is late for *that* member, not only when it would be late for any member. Pure.
 */
import type { Member } from '../../members/member.ts';

/** An attempt that takes this many times the mean is late. */
const lateness = 10;
/** No attempt is late before this, ms: a busy host is not a lost packet. */
const floor = 50;
/** The weight of the newest time in the running mean. */
const newest = 0.2;

/** Learns from a dial that succeeded after `duration` ms. */
export function learnConnectTime(member: Member, duration: number): void {
  const mean = member.connectTime ?? duration;
  member.connectTime = mean + newest * (duration - mean);
}

/** How long to wait for this member before another is tried in parallel, ms; at most `longest`. */
export function raceAfter({ connectTime }: Member, longest: number): number {
  if (connectTime === undefined) return longest;
  return Math.min(longest, Math.max(floor, lateness * connectTime));
}
