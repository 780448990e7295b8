/** Now in ms since the epoch, without steps of the clock: compared times must not jump. */
export function steadyNow(): number {
  return performance.timeOrigin + performance.now();
}
