/**
 * The nearest, by how long members take to answer: in the same zone or room. Those that are hardly
 * farther count as near too, and least connections decides among them, so that two members in one room
 * share the load whatever the microseconds say.
 */
import { leastConnections } from './least-connections.ts';
import type { Policy, RandomSource } from './policy.ts';

/** Who takes longer than the nearest by no more than this part of it, or this time in ms, is near. */
const toleratedPart = 0.5;
const toleratedTime = 0.5;

export function nearest(source: RandomSource): Policy {
  let bound = 0;
  // Nobody knows how far one is that was never asked: it is taken when nobody else is known.
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
