/** Now in ms since the epoch, but for steps of the clock: what is compared must not jump. */
export function steadyNow(): number {
  return performance.timeOrigin + performance.now();
}
