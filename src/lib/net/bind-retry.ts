/**
 * Succession: two processes with the same configuration, of which the older one is about to end.
 *
 *   older    ── accepts ──────────┬─ drains ──┐ lets go
 *   younger          ── accepts ──┴───────────┴─ opens what only one can have
 *
 * Owns the waiting for an address that the other process still has. Whether there may be another one is for
 * the caller to know.
 */
import { setTimeout as delay } from 'node:timers/promises';
import { AddressInUse } from '../setting-error.ts';

/** Between two attempts, ms. */
const retryInterval = 250;

/**
 * What `open` opens; tried again and again while the address is in use, of which `onWaiting` is told
 * once. `undefined` when `signal` aborts before. Rejects when the first attempt fails for another reason;
 * once it waits, anything is waited for.
 */
export async function openWhenFree<T>(
  open: () => Promise<T>,
  onWaiting: (refusal: AddressInUse) => void,
  signal: AbortSignal,
): Promise<T | undefined> {
  let waits = false;
  while (!signal.aborted) {
    try {
      return await open();
    } catch (error) {
      if (!waits) {
        if (!(error instanceof AddressInUse)) throw error;
        waits = true;
        onWaiting(error);
      }
      await delay(retryInterval, undefined, { signal }).catch(() => {});
    }
  }
  return undefined;
}
