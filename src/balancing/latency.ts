/** Latency: the distance of a member, estimated from how long its answers take. Pure. */

/** The weight of a longer answer. */
const weight = 0.2;

/**
 * The latency after one more answer, ms. A shorter answer counts fully: it shows that the member is this
 * near. A longer one counts little, since it may come from a busy moment.
 */
export function smoothed(known: number | undefined, duration: number): number {
  if (known === undefined || duration <= known) return duration;
  return known + (duration - known) * weight;
}
