/**
 * How long it takes to connect to each member, learned from the dials that succeeded, so that a race
 * begins when an attempt is late for *that* member and not only when it would be late for any.
 */
import type { Member } from '../../members/member.ts';

/** An attempt that takes this many times the usual is late. */
const lateness = 10;
/** But none is late before this, ms: a busy host is not a lost packet. */
const floor = 50;
/** The weight of the newest time in the running mean. */
const newest = 0.2;

export class ConnectTimes {
  readonly #longest: () => number;
  readonly #means = new WeakMap<Member, number>();

  /** @param longest how long to wait for a member of which nothing is known, and at most, ms. */
  constructor(longest: () => number) {
    this.#longest = longest;
  }

  /** Takes in a dial that succeeded after `duration` ms. */
  learn(member: Member, duration: number): void {
    const mean = this.#means.get(member) ?? duration;
    this.#means.set(member, mean + newest * (duration - mean));
  }

  /** How long to wait for this member before another is tried beside it, ms. */
  raceAfter(member: Member): number {
    const mean = this.#means.get(member);
    const longest = this.#longest();
    return mean === undefined ? longest : Math.min(longest, Math.max(floor, lateness * mean));
  }
}
