/** What the last checks of a member say, in words and as the bounds of a plot. Pure. */
import { milliseconds } from '../lib/amounts.ts';
import type { PastCheck } from '../wire.ts';

/** As many as the balancer keeps. */
const kept = 120;

/** `checks` and those of `more` that are newer than its last; of these the last `kept`. */
export function extended(
  checks: readonly PastCheck[],
  more: readonly PastCheck[],
): readonly PastCheck[] {
  const last = checks.at(-1)?.at ?? 0;
  const newer = more.filter(({ at }) => at > last);
  return newer.length === 0 ? checks : [...checks, ...newer].slice(-kept);
}

/** "1.2 ms", "failed after 700 ms" */
export function outcome({ ok, duration }: PastCheck): string {
  return ok ? milliseconds(duration) : `failed after ${milliseconds(duration)}`;
}

/** "last 1.2 ms, median 1.1 ms, highest 4.0 ms; 3 of the last 120 checks failed" */
export function inWords(checks: readonly PastCheck[]): string {
  const last = checks.at(-1);
  if (last === undefined) return 'no check has finished yet';
  const sorted = checks.map(({ duration }) => duration).sort((a, b) => a - b);
  const median = sorted[Math.floor(sorted.length / 2)] ?? 0;
  const failed = checks.filter(({ ok }) => !ok).length;
  return [
    `last ${outcome(last)}`,
    `median ${milliseconds(median)}`,
    `highest ${milliseconds(sorted.at(-1) ?? 0)}; ${failed === 0 ? 'none' : failed} of the last ${checks.length} checks failed`,
  ].join(', ');
}

/** A round number of ms, at least `max`, and high enough that noise does not fill the plot. */
export function top(max: number): number {
  const steps = [5, 10, 20, 50, 100, 200, 500, 1_000, 2_000, 5_000, 10_000, 30_000, 60_000];
  return steps.find((step) => step >= max) ?? max;
}
