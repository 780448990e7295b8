/**
 * What the members' verdicts mean together: who gets new connections and whose must leave.
 *
 * One member failing is that member; all failing together is the cluster (an election, a lost
 * quorum, this host cut off), and then the last good picture is kept: everybody may be tried and
 * nobody is evicted (k3s #10240 emptied its list under load and cut its apiserver off).
 * Pure, and derived afresh from the verdicts every time, so it cannot go stale.
 */
import { acceptsNew, type Health, isConfirmedFailure } from './verdict.ts';

/**
 * - `normal`: at least one member is healthy.
 * - `starting`: none is yet, and some have not been checked.
 * - `panic`: every member was checked and none is healthy; all of them are routed to.
 */
export type RoutingMode = 'normal' | 'starting' | 'panic';

/** Answers in the order of the verdicts given. */
export interface Routing {
  readonly mode: RoutingMode;
  /** May new connections go to this member? In `starting` and `panic`: to every one. */
  readonly routable: readonly boolean[];
  /** Must this member's connections leave? Never true unless another member is healthy. */
  readonly evict: readonly boolean[];
}

/** Derives the routing. An empty list gives mode `panic` and empty answers. */
export function route(healths: readonly Health[]): Routing {
  const anyHealthy = healths.some(acceptsNew);
  if (anyHealthy) {
    return {
      mode: 'normal',
      routable: healths.map(acceptsNew),
      // A member that passes checks again is `recovering`, not `failed`: after an election the
      // living members are spared even when one of them is restored a tick before the others.
      evict: healths.map(isConfirmedFailure),
    };
  }
  const unchecked = healths.some((health) => health.state === 'unknown');
  return {
    mode: unchecked ? 'starting' : 'panic',
    routable: healths.map(() => true),
    evict: healths.map(() => false),
  };
}
