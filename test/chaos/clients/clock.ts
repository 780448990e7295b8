/** The clock of all records, for processes that are not Node. */
import { now } from './record.ts';

export interface MachineClock {
  /** What the clock of records is ahead of CLOCK_MONOTONIC, ms. */
  readonly ahead: number;
  /** Half the time that telling it took, and what rounding adds: `ahead` is off by no more, ms. */
  readonly within: number;
}

/** Numbers of this size have steps of a quarter of this, ms. */
const rounding = 0.001;

/**
 * Both clocks count with CLOCK_MONOTONIC, so what is found here holds as long as this process lives, also
 * where somebody sets the time of day.
 */
export function machineClock(): MachineClock {
  const clocks = Array.from({ length: 100 }, () => {
    const before = Number(process.hrtime.bigint()) / 1e6;
    const at = now();
    const after = Number(process.hrtime.bigint()) / 1e6;
    return { ahead: at - (before + after) / 2, within: (after - before) / 2 + rounding };
  });
  return clocks.reduce((best, each) => (each.within < best.within ? each : best));
}
