/**
 * Least calls in flight in proportion to the weight; among equals, least connections. For clients of very
 * different activity, where calls can be followed.
 */

import { leastLoaded } from './least-connections.ts';
import type { Policy, RandomSource } from './policy.ts';

/** So many connections weigh as much as one call in flight: more than there ever are. */
const connections = 1_000_000;

export function leastCalls(source: RandomSource): Policy {
  return leastLoaded(source, ({ calls, load }) => calls + (load + 1) / connections);
}
