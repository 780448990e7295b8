/** Members and repeatable random numbers for the tests of this folder. */

import type { RandomSource } from '../../../src/balancing/policies/policy.ts';
import type { Member } from '../../../src/members/member.ts';
import { aMember } from '../../support/members.ts';

/** `m0`, `m1` and so on, with these loads. */
export function membersWith(...loads: number[]): Member[] {
  return loads.map((load, index) => aMember(`m${index}`, { load }));
}

export function newMembers(count: number): Member[] {
  return membersWith(...Array.from({ length: count }, () => 0));
}

/** mulberry32: even enough, and the same numbers for the same seed. */
export function seeded(seed: number): RandomSource {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** How often each of `all` is chosen in `rounds` calls of `choose`. */
export function countChoices(
  all: readonly Member[],
  rounds: number,
  choose: () => Member | undefined,
): number[] {
  const chosen = Array.from({ length: rounds }, choose);
  return all.map((member) => chosen.filter((each) => each === member).length);
}
