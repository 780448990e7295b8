/** A bound on bytes a second. Pure. */

/**
 * How long to wait before the next piece, ms; 0 for not at all.
 *
 * @param bytes since the beginning.
 * @param elapsed ms since the beginning.
 * @param rate bytes a second; `undefined` for no bound.
 */
export function waitFor(bytes: number, elapsed: number, rate: number | undefined): number {
  if (rate === undefined) return 0;
  return Math.max(0, (bytes / rate) * 1_000 - elapsed);
}
