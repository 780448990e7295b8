/** Latency: how far a member is, told from how long its answers take. Pure. */

/** What a longer answer counts for. */
const weight = 0.2;

/**
 * Takes in one more answer; all in ms. A shorter one counts at once, since nothing but distance keeps
 * answers from being short; a longer one little by little, since a busy moment is no distance.
 */
export function smoothed(known: number | undefined, duration: number): number {
  if (known === undefined || duration <= known) return duration;
  return known + (duration - known) * weight;
}
