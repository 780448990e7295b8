/** Polling: asks again whenever the last answer is too old. */
import { handOver } from '../unexpected.ts';

/** The wait after a question that threw, ms. */
const waitAfterError = 5_000;

/** Calls `ask` at once, and again until `signal` aborts. `ask` returns how long its answer is valid, ms. */
export function poll(ask: () => Promise<number>, signal: AbortSignal): void {
  let timer: NodeJS.Timeout | undefined;
  const next = async (): Promise<void> => {
    const wait = await ask().catch((error: unknown) => {
      handOver(error);
      return waitAfterError;
    });
    if (!signal.aborted) timer = setTimeout(next, wait);
  };
  signal.addEventListener('abort', () => clearTimeout(timer), { once: true });
  void next();
}
