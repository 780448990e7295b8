/** What etcd-lb logged of its holds, as figures. Pure. */
import type { LogLine } from '../support/balancer.ts';

export interface Holds {
  readonly holds: number;
  /** ms; 0 without any, Infinity when one has begun and not ended. */
  readonly longestHold: number;
}

export function holdsIn(log: readonly LogLine[]): Holds {
  const began = log.filter(({ event }) => event === 'hold-began');
  const ended = log.filter(({ event }) => event === 'hold-ended');
  // One that is under way where the log begins has an end only.
  const isOpen = began.length > ended.length;
  const durations = ended.map((line) => Number(line['durationMs']));
  return {
    holds: began.length,
    longestHold: isOpen ? Number.POSITIVE_INFINITY : Math.max(0, ...durations),
  };
}
