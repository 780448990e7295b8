/**
 * Least connections for its weight, ties broken at random: the default, because etcd's clients hold few and long
 * connections, so what counts is where they are, not where the last one went. Random ties keep many
 * balancers in front of one cluster from all starting with its first member.
 */
import type { Policy, RandomSource } from './policy.ts';
import type { Candidate } from './snapshot.ts';

/** @param isEligible leaves candidates out. */
export function leastConnections(
  source: RandomSource,
  isEligible: (candidate: Candidate) => boolean = () => true,
): Policy {
  // As if it had been chosen: an idle member that starts slowly is not the emptiest.
  return leastLoaded(source, ({ load }) => load + 1, isEligible);
}

/** The least of whatever `loadOf` says, for its weight. */
export function leastLoaded(
  source: RandomSource,
  loadOf: (candidate: Candidate) => number,
  isEligible: (candidate: Candidate) => boolean = () => true,
): Policy {
  return (candidates, tried) => {
    let best: Candidate | undefined;
    let bestLoad = 0;
    let ties = 0;
    for (const candidate of candidates) {
      if (tried.includes(candidate) || !isEligible(candidate)) continue;
      const load = loadOf(candidate) / candidate.weight;
      if (best === undefined || load < bestLoad) {
        best = candidate;
        bestLoad = load;
        ties = 1;
      } else if (load === bestLoad) {
        // Reservoir sampling: the n-th tie replaces the choice with probability 1/n.
        ties += 1;
        if (source() * ties < 1) best = candidate;
      }
    }
    return best;
  };
}
