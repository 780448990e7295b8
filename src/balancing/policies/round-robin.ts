/**
 * Round robin: each member in turn; a member of less weight skips turns. The first is random, so that many
 * balancers started together do not all send their first connection to the same member.
 */
import type { Policy, RandomSource } from './policy.ts';

export function roundRobin(source: RandomSource): Policy {
  let turn = -1;
  return (members, tried) => {
    const count = members.length;
    if (turn < 0) turn = Math.floor(source() * count);
    let heaviest = 0;
    for (const member of members) {
      if (!tried.includes(member)) heaviest = Math.max(heaviest, member.weight);
    }
    let next = -1;
    for (let step = 0; step < count; step += 1) {
      const member = members[(turn + step) % count];
      if (member === undefined || tried.includes(member)) continue;
      const due = member.weight >= heaviest || source() * heaviest < member.weight;
      if (next < 0 || due) next = (turn + step) % count;
      if (due) break;
    }
    if (next < 0) return undefined;
    turn = (next + 1) % count;
    return members[next];
  };
}
