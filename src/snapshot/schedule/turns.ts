/**
 * Whose turn it is: of several balancers of a cluster one takes each scheduled snapshot. A key in etcd says who, and for
 * how long nobody else needs to.
 *
 *   no key ──► taking (2 min, renewed) ──► taken (most of the period) ──► no key
 *                  └── failed, or its process died ──► no key
 *
 * Pure: what the key says, and what follows from it. The key has a lease, so that nothing stays behind.
 */

/** Beside Kubernetes' keys, which begin with /registry/. */
export const turnKey = 'etcd-lb/snapshot';

/** How long the key lasts after its owner has died, seconds. */
export const takingTtl = 120;

/** What the key says. `at` is ms since the epoch. */
export interface Turn {
  readonly state: 'taking' | 'taken';
  /** The name of the balancer. */
  readonly by: string;
  readonly at: number;
}

export function encodeTurn(turn: Turn): string {
  return JSON.stringify(turn);
}

/** `undefined` for what this program did not write. */
export function decodeTurn(text: string): Turn | undefined {
  try {
    const { state, by, at } = JSON.parse(text) as Record<string, unknown>;
    const isState = state === 'taking' || state === 'taken';
    if (isState && typeof by === 'string' && typeof at === 'number') return { state, by, at };
  } catch {
    // not ours
  }
  return undefined;
}

/** How long nobody else needs to take one, seconds: a tenth less than the period, since each begins at another moment. */
export function takenTtl(every: number): number {
  return Math.max(1, Math.floor((every * 0.9) / 1_000));
}

/** After a failure, ms: a tenth of the period, between 10 s and 10 min, and never more than the period. */
export function retryAfter(every: number): number {
  return Math.min(every, 600_000, Math.max(10_000, every / 10));
}

/**
 * When the next one is due, ms since the epoch.
 *
 * @param last when the last one was begun, by whomever; `undefined` where none is known.
 * @param random 0 to 1: balancers that start together must not all ask in the same moment.
 */
export function nextDue(
  last: number | undefined,
  every: number,
  random: number,
  now: number,
): number {
  const jitter = random * Math.min(every / 10, 600_000);
  return last === undefined ? now + jitter : Math.max(now, last + every) + jitter;
}
