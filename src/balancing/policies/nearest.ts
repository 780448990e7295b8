/**
 * The nearest member by latency, such as one in the same zone or room. Members that are hardly farther count
 * as near too, and least connections decides among them. So two members in one room share the load, whatever
 * the microseconds say.
 */
import { leastConnections } from './least-connections.ts';
import type { Policy, RandomSource } from './policy.ts';

/** A member is near if its latency exceeds the least by at most this part of it, or by this time, ms. */
const toleratedPart = 0.5;
const toleratedTime = 0.5;

export function nearest(source: RandomSource): Policy {
  let bound = 0;
  // A member of unknown latency is chosen only if no other is known.
  const among = leastConnections(source, ({ latency }) => (latency ?? farthest) <= bound);
  return (members, tried) => {
    let least = farthest;
    for (const member of members) {
      if (!tried.includes(member)) least = Math.min(least, member.latency ?? farthest);
    }
    bound = least + Math.max(least * toleratedPart, toleratedTime);
    return among(members, tried);
  };
}

/** ms. */
const farthest = 1e9;
