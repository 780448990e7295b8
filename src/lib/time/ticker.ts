/**
 * The ticker: one timer for everything that is looked at a few times a second.
 *
 * Owns the timer. What happens at a tick is for its caller.
 */
import { attempt } from '../unexpected.ts';

/** One tick. */
export interface Tick {
  /** ms of `performance.now()`. */
  readonly now: number;
  /** By how much it came later than it was due, ms. */
  readonly late: number;
}

/** Until the tick after one that threw, ms. */
const waitAfterError = 250;

/** Calls `onTick`, which returns how long to wait until the next tick, ms, until `signal` aborts. */
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
