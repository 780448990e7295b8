/**
 * Least connections in proportion to the weight, ties broken at random. This is the default: etcd's clients hold
 * few and long connections, so it matters where they are, not where the last one went. Random ties keep many
 * balancers of one cluster from all starting with its first member.
 */

import type { Member } from '../../members/member.ts';
import type { Policy, RandomSource } from './policy.ts';

/** @param isEligible members for which it returns false are skipped. */
export function leastConnections(
  source: RandomSource,
  isEligible: (member: Member) => boolean = () => true,
): Policy {
  // The load after the choice: without the 1, an idle member that starts slowly would be the emptiest.
  return leastLoaded(source, ({ load }) => load + 1, isEligible);
}

/** The member with the least `loadOf` in proportion to its weight. */
export function leastLoaded(
  source: RandomSource,
  loadOf: (member: Member) => number,
  isEligible: (member: Member) => boolean = () => true,
): Policy {
  return (members, tried) => {
    let best: Member | undefined;
    let bestLoad = 0;
    let ties = 0;
    for (const member of members) {
      if (tried.includes(member) || !isEligible(member)) continue;
      const load = loadOf(member) / member.weight;
      if (best === undefined || load < bestLoad) {
        best = member;
        bestLoad = load;
        ties = 1;
      } else if (load === bestLoad) {
        // Reservoir sampling: the n-th tie replaces the choice with probability 1/n.
        ties += 1;
        if (source() * ties < 1) best = member;
      }
    }
    return best;
  };
}
