/** Polling: a question that is asked again whenever its answer is too old. */
import { handOver } from '../unexpected.ts';

/** Until the next question after one that threw, ms. */
const waitAfterError = 5_000;

/** Calls `ask`, which returns how long its answer holds, ms, at once and then until `signal` aborts. */
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
