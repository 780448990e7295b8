/**
 * The leader, while it is known and reachable: every write goes through it anyway, so a client connected to
 * it saves a hop. It then carries all the load. Otherwise least connections.
 */
import { leastConnections } from './least-connections.ts';
import type { Policy, RandomSource } from './policy.ts';

export function leader(source: RandomSource): Policy {
  const otherwise = leastConnections(source);
  return (members, tried) => {
    for (const member of members) {
      if (member.leads === true && !tried.includes(member)) return member;
    }
    return otherwise(members, tried);
  };
}
