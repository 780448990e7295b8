/**
 * The ticker: one timer for everything that is done a few times a second.
 *
 * Owns the timer. The caller decides what a tick does.
 */
import { attempt } from '../unexpected.ts';

/** One tick. */
export interface Tick {
  /** ms of `performance.now()`. */
  readonly now: number;
  /** How much later than due it came, ms. */
  readonly late: number;
}

/** The wait after a tick that threw, ms. */
const waitAfterError = 250;

/** Calls `onTick` until `signal` aborts. `onTick` returns how long to wait until the next tick, ms. */
export function startTicker(onTick: (tick: Tick) => number, signal: AbortSignal): void {
  let due = performance.now();
  let timer: NodeJS.Timeout | undefined;
  const tick = (): void => {
    const now = performance.now();
    let wait = waitAfterError;
    attempt(() => {
      wait = onTick({ now, late: now - due });
    });
    due = performance.now() + wait;
    timer = setTimeout(tick, wait);
  };
  tick();
  signal.addEventListener('abort', () => clearTimeout(timer), { once: true });
}
