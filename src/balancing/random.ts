/** Random by weight: needs no state and no agreement; even only in the long run. */
import type { Policy, RandomSource } from './policy.ts';
import type { Candidate } from './snapshot.ts';

export function random(source: RandomSource): Policy {
  return (candidates, tried) => {
    let chosen: Candidate | undefined;
    let weights = 0;
    for (const candidate of candidates) {
      if (tried.includes(candidate)) continue;
      // Reservoir sampling: each replaces the choice with its share of the weights so far.
      weights += candidate.weight;
      if (source() * weights < candidate.weight) chosen = candidate;
    }
    return chosen;
  };
}
