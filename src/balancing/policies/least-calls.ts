/**
 * Least calls in flight for its weight; among equals, the least connections. For clients of which some
 * ask far more than others, where calls can be seen.
 */

import { leastLoaded } from './least-connections.ts';
import type { Policy, RandomSource } from './policy.ts';

/** How many connections weigh as much as one call in flight: any number that there are. */
const connections = 1_000_000;

export function leastCalls(source: RandomSource): Policy {
  return leastLoaded(source, ({ calls, load }) => calls + (load + 1) / connections);
}
