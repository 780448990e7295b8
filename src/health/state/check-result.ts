/** The result of a check. */
import type { Failure } from '../../lib/net/failure.ts';

/** How a check ended. `duration` is in ms. */
export type CheckResult =
  | { readonly ok: true; readonly duration: number }
  | { readonly ok: false; readonly duration: number; readonly failure: Failure };

/** A finished check and when it finished, in ms since the epoch. */
export type TimedCheck = CheckResult & {
  readonly at: number;
  /** The same moment by `performance.now()`, ms. */
  readonly finishedAt: number;
};
