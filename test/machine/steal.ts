/**
 * CPU time that a virtual machine wanted and its host gave to others. While much is stolen, times
 * are long, and the CPU time of processes holds part of what was stolen.
 */
import { readFileSync } from 'node:fs';

/** Since start-up, in ticks: all time of all cores, and what was stolen of it. */
export interface CpuTimes {
  readonly all: number;
  readonly stolen: number;
}

export function cpuTimes(): CpuTimes {
  return parseCpuTimes(readFileSync('/proc/stat', 'utf8'));
}

/** Percent of all CPU time between two moments. */
export function stolenBetween(before: CpuTimes, after: CpuTimes): number {
  return ((after.stolen - before.stolen) / Math.max(1, after.all - before.all)) * 100;
}

/** First line of /proc/stat: user, nice, system, idle, iowait, irq, softirq, steal, then guests. */
export function parseCpuTimes(text: string): CpuTimes {
  const [line = ''] = text.split('\n', 1);
  // Guests are part of user and nice.
  const fields = line.trim().split(/\s+/).slice(1, 9).map(Number);
  return { all: fields.reduce((a, b) => a + b, 0), stolen: fields[7] ?? 0 };
}
