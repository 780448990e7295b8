/**
 * Least connections for its weight, ties broken at random: the default, because etcd's clients hold few and long
 * connections, so what counts is where they are, not where the last one went. Random ties keep many
 * balancers in front of one cluster from all starting with its first member.
 */

import type { Member } from '../../members/member.ts';
import type { Policy, RandomSource } from './policy.ts';

/** @param isEligible leaves members out. */
export function leastConnections(
  source: RandomSource,
  isEligible: (member: Member) => boolean = () => true,
): Policy {
  // As if it had been chosen: an idle member that starts slowly is not the emptiest.
  return leastLoaded(source, ({ load }) => load + 1, isEligible);
}

/** The least of whatever `loadOf` says, for its weight. */
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
