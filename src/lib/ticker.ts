/**
 * The pulse: one timer for everything that is looked at a few times a second.
 *
 * Owns the timer. What happens on a beat is wired in app.ts.
 */
import { attempt } from './unexpected.ts';

/** One beat. */
export interface Tick {
  /** ms of `performance.now()`. */
  readonly now: number;
  /** By how much it came later than it was due, ms. */
  readonly late: number;
}

/** Until the beat after one that threw, ms. */
const waitAfterError = 250;

/** Calls `onBeat`, which returns how long to wait until the next beat, ms, until `signal` aborts. */
export function startTicker(onBeat: (beat: Tick) => number, signal: AbortSignal): void {
  let due = performance.now();
  let timer: NodeJS.Timeout | undefined;
  const beat = (): void => {
    const now = performance.now();
    let wait = waitAfterError;
    attempt(() => {
      wait = onBeat({ now, late: now - due });
    });
    due = performance.now() + wait;
    timer = setTimeout(beat, wait);
  };
  beat();
  signal.addEventListener('abort', () => clearTimeout(timer), { once: true });
}
