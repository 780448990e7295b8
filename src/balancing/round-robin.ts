/**
 * Round robin: each candidate in turn; one of less weight misses turns. Starts at a random one, so that many balancers started
 * together do not all send their first connection to the same member.
 */
import type { Policy, RandomSource } from './policy.ts';

export function roundRobin(source: RandomSource): Policy {
  let turn = -1;
  return (candidates, tried) => {
    const count = candidates.length;
    if (turn < 0) turn = Math.floor(source() * count);
    let heaviest = 0;
    for (const candidate of candidates) {
      if (!tried.includes(candidate)) heaviest = Math.max(heaviest, candidate.weight);
    }
    let next = -1;
    for (let step = 0; step < count; step += 1) {
      const candidate = candidates[(turn + step) % count];
      if (candidate === undefined || tried.includes(candidate)) continue;
      const due = candidate.weight >= heaviest || source() * heaviest < candidate.weight;
      if (next < 0 || due) next = (turn + step) % count;
      if (due) break;
    }
    if (next < 0) return undefined;
    turn = (next + 1) % count;
    return candidates[next];
  };
}
