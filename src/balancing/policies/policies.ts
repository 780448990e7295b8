/** The policies, by their names in the setting `balance`. */
import { leader } from './leader.ts';
import { leastCalls } from './least-calls.ts';
import { leastConnections } from './least-connections.ts';
import { nearest } from './nearest.ts';
import type { Policy, RandomSource } from './policy.ts';
import { random } from './random.ts';
import { roundRobin } from './round-robin.ts';

const policies = {
  'least-connections': leastConnections,
  'least-calls': leastCalls,
  'round-robin': roundRobin,
  random,
  leader,
  nearest,
} satisfies Record<string, (source: RandomSource) => Policy>;

/** One of the names of the setting `balance`. */
export type PolicyName = keyof typeof policies;

/** The policies that rebalancing supports: they define on which member a session belongs. */
export const balanced: readonly PolicyName[] = ['least-connections', 'least-calls', 'leader'];

/** Makes a policy, with its own state if it needs any. */
export function createPolicy(name: PolicyName, source: RandomSource = Math.random): Policy {
  return policies[name](source);
}
