/**
 * The pulse: one timer for everything that is looked at a few times a second.
 *
 * Owns the timer. What happens on a beat is wired in app.ts.
 */

/** One beat. */
export interface Beat {
  /** ms of `performance.now()`. */
  readonly now: number;
  /** By how much it came later than it was due, ms. */
  readonly late: number;
}

/** Calls `onBeat` every `interval` ms until `signal` aborts. */
export function startPulse(
  interval: number,
  onBeat: (beat: Beat) => void,
  signal: AbortSignal,
): void {
  let due = performance.now() + interval;
  const timer = setInterval(() => {
    const now = performance.now();
    onBeat({ now, late: now - due });
    due = now + interval;
  }, interval);
  signal.addEventListener('abort', () => clearInterval(timer), { once: true });
}
