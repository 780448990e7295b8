/**
 * Flap damping: a member that keeps failing is restored ever more slowly, so that its clients do not
 * follow it up and down. Doubles with each failure, up to a bound, and is forgotten after a quiet
 * time. Pure.
 */

/** How often a member was lost lately, and when last (ms since the epoch). */
export interface Damping {
  readonly failures: number;
  readonly lastAt: number;
}

/** After the second failure, ms. The first is forgiven. */
const firstHold = 1_000;
const longestHold = 60_000;
/** Without a failure for this long, ms, all is forgotten. */
const quietTime = 5 * 60_000;

/** For a member that has not failed yet. */
export const undamped: Damping = { failures: 0, lastAt: Number.NEGATIVE_INFINITY };

/** A member that was healthy was lost at `now`. */
export function afterFailure(damping: Damping, now: number): Damping {
  const forgotten = now - damping.lastAt > quietTime;
  return { failures: forgotten ? 1 : damping.failures + 1, lastAt: now };
}

/** How long a member has to pass its checks before it is restored, ms. */
export function holdTime({ failures }: Damping): number {
  if (failures < 2) return 0;
  return Math.min(longestHold, firstHold * 2 ** (failures - 2));
}
