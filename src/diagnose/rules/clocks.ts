/**
 * Findings about clocks: how far each member's is from this host's, by the header `Date` of its answers.
 *
 * The header has whole seconds, and the answer takes time to arrive, so the difference is known only
 * between two bounds. A finding states what is certain. Pure.
 */

import { roughTime } from '../../lib/text/quantities.ts';
import type { Finding } from '../finding.ts';
import type { ClockReading, Observation } from '../observation.ts';

/** Apart by more than this, ms. */
const tolerance = 1_000;
/** What `Date` leaves out, ms. */
const resolution = 1_000;

export function findInClocks(observations: readonly Observation[]): Finding[] {
  const read = observations.flatMap(({ name, clock }) =>
    clock === undefined ? [] : [{ name, ahead: certainlyAhead(clock) }],
  );
  const apart = read.filter(({ ahead }) => Math.abs(ahead) > tolerance);
  const ownFault =
    read.length > 1 &&
    apart.length === read.length &&
    new Set(apart.map(({ ahead }) => Math.sign(ahead))).size === 1;
  const by = (ms: number): string => `its clock is at least ${roughTime(Math.abs(ms) / 1000)}`;
  if (ownFault) {
    const [least = 0] = apart.map(({ ahead }) => ahead).sort((a, b) => Math.abs(a) - Math.abs(b));
    const way = least > 0 ? 'behind' : 'ahead of';
    return [finding('this host', `${by(least)} ${way} every member's`)];
  }
  return apart.map(({ name, ahead }) =>
    finding(name, `${by(ahead)} ${ahead > 0 ? 'ahead of' : 'behind'} this host's`),
  );
}

/**
 * By how much the member's clock is ahead at least, ms; below 0 when it is behind by at least as much,
 * and 0 when it may be right.
 */
export function certainlyAhead({ date, askedAt, answeredAt }: ClockReading): number {
  const least = date - answeredAt;
  const most = date + resolution - askedAt;
  if (least > 0) return least;
  return Math.min(most, 0);
}

function finding(subject: string, seen: string): Finding {
  return {
    severity: 'warning',
    subject,
    seen,
    why: 'The clock decides whether certificates and leases have expired, and logs cannot be compared.',
    mend: 'Have chrony or systemd-timesyncd keep the clock there: `timedatectl set-ntp true`.',
  };
}
