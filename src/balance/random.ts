/** Random: needs no state and no agreement; even only in the long run. */
import type { Policy, RandomSource } from './policy.ts';
import type { Candidate } from './snapshot.ts';

export function random(source: RandomSource): Policy {
  return (candidates, tried) => {
    let chosen: Candidate | undefined;
    let seen = 0;
    for (const candidate of candidates) {
      if (tried.includes(candidate)) continue;
      // Reservoir sampling: the n-th candidate replaces the choice with probability 1/n.
      seen += 1;
      if (source() * seen < 1) chosen = candidate;
    }
    return chosen;
  };
}
