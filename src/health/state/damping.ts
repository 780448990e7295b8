/**
 * Flap damping: a member that keeps failing is restored ever more slowly, so that its clients do not move back
 * and forth. The hold doubles with each failure, up to a bound. After a time without failures all is
 * forgotten. Pure.
 */
import { acceptsNew, type Health } from './health.ts';

/** The recent failures of a member; `failures` counts those that are over. Times are ms since the epoch. */
export interface Damping {
  readonly failures: number;
  /** When the last of them began. */
  readonly lastAt: number;
  /** When the current failure began. Forgiven if all members fail together: an election is no member's fault. */
  readonly lostAt?: number | undefined;
}

/** The hold after the second failure, ms. The first has none. */
const firstHold = 1_000;
const longestHold = 60_000;
/** After this long without a failure, ms, all is forgotten. */
const quietTime = 5 * 60_000;

/** For a member that has not failed yet. */
export const undamped: Damping = { failures: 0, lastAt: Number.NEGATIVE_INFINITY };

/** Counts a failure that began at `now` and is over. */
export function afterFailure(damping: Damping, now: number): Damping {
  const forgotten = now - damping.lastAt > quietTime;
  return { failures: forgotten ? 1 : damping.failures + 1, lastAt: now };
}

/** How long a member must pass its checks before it is restored, ms. */
export function holdTime({ failures }: Damping): number {
  if (failures < 2) return 0;
  return Math.min(longestHold, firstHold * 2 ** (failures - 2));
}

/** The same, including the current failure; 0 if there is none. */
export function currentHold(damping: Damping): number {
  return damping.lostAt === undefined ? 0 : holdTime(counted(damping));
}

/** The damping after a change of health state at `now`. */
export function nextDamping(damping: Damping, from: Health, to: Health, now: number): Damping {
  if (acceptsNew(to)) return counted(damping);
  return acceptsNew(from) ? { ...damping, lostAt: now } : damping;
}

/** The damping without the current failure. */
export function forgiven(damping: Damping): Damping {
  return damping.lostAt === undefined ? damping : { ...damping, lostAt: undefined };
}

function counted(damping: Damping): Damping {
  return damping.lostAt === undefined ? damping : afterFailure(damping, damping.lostAt);
}
