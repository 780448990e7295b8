/**
 * How long it takes to connect to a member, learned from the dials that succeeded, so that a race
 * begins when an attempt is late for *that* member and not only when it would be late for any. Pure.
 */
import type { Member } from '../../members/member.ts';

/** An attempt that takes this many times the usual is late. */
const lateness = 10;
/** But none is late before this, ms: a busy host is not a lost packet. */
const floor = 50;
/** The weight of the newest time in the running mean. */
const newest = 0.2;

/** Takes in a dial that succeeded after `duration` ms. */
export function learnConnectTime(member: Member, duration: number): void {
  const mean = member.connectTime ?? duration;
  member.connectTime = mean + newest * (duration - mean);
}

/** How long to wait for this member before another is tried beside it, ms; `longest` at most. */
export function raceAfter({ connectTime }: Member, longest: number): number {
  if (connectTime === undefined) return longest;
  return Math.min(longest, Math.max(floor, lateness * connectTime));
}
