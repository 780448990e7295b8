/**
 * Flap damping: a member that keeps failing is restored ever more slowly, so that its clients do not
 * follow it up and down. Doubles with each failure, up to a bound, and is forgotten after a quiet
 * time. Pure.
 */
import { acceptsNew, type Health } from './health.ts';

/** How often a member was lost lately, of failures that are over. Times are ms since the epoch. */
export interface Damping {
  readonly failures: number;
  /** When the last of them began. */
  readonly lastAt: number;
  /** When it was lost, while it is not back. Forgiven when all fail together: an election is nobody's fault. */
  readonly lostAt?: number | undefined;
}

/** After the second failure, ms. The first is forgiven. */
const firstHold = 1_000;
const longestHold = 60_000;
/** Without a failure for this long, ms, all is forgotten. */
const quietTime = 5 * 60_000;

/** For a member that has not failed yet. */
export const undamped: Damping = { failures: 0, lastAt: Number.NEGATIVE_INFINITY };

/** A member that was healthy was lost at `now`, and is back. */
export function afterFailure(damping: Damping, now: number): Damping {
  const forgotten = now - damping.lastAt > quietTime;
  return { failures: forgotten ? 1 : damping.failures + 1, lastAt: now };
}

/** How long a member has to pass its checks before it is restored, ms. */
export function holdTime({ failures }: Damping): number {
  if (failures < 2) return 0;
  return Math.min(longestHold, firstHold * 2 ** (failures - 2));
}

/** The same for one that may be lost at this moment: 0 if it is not. */
export function currentHold(damping: Damping): number {
  return damping.lostAt === undefined ? 0 : holdTime(counted(damping));
}

/** Takes in that a member has gone from one state to another at `now`. */
export function nextDamping(damping: Damping, from: Health, to: Health, now: number): Damping {
  if (acceptsNew(to)) return counted(damping);
  return acceptsNew(from) ? { ...damping, lostAt: now } : damping;
}

/** The failure that goes on does not count. */
export function forgiven(damping: Damping): Damping {
  return damping.lostAt === undefined ? damping : { ...damping, lostAt: undefined };
}

function counted(damping: Damping): Damping {
  return damping.lostAt === undefined ? damping : afterFailure(damping, damping.lostAt);
}
