/** Random by weight: needs neither state nor coordination, and is even only in the long run. */

import type { Member } from '../../members/member.ts';
import type { Policy, RandomSource } from './policy.ts';

export function random(source: RandomSource): Policy {
  return (members, tried) => {
    let chosen: Member | undefined;
    let weights = 0;
    for (const member of members) {
      if (tried.includes(member)) continue;
      // Reservoir sampling: each replaces the choice with its share of the weights so far.
      weights += member.weight;
      if (source() * weights < member.weight) chosen = member;
    }
    return chosen;
  };
}
