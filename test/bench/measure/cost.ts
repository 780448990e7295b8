/** CPU time of a contestant while something is done. */
import type { Running } from '../../contestants/contestant.ts';
import { usageOf } from '../../machine/usage.ts';

/** Resolves with what was done and the CPU time of the contestant's processes, µs; 0 without any. */
export async function costOf<T>({ child }: Running, work: () => Promise<T>): Promise<[T, number]> {
  if (child === undefined) return [await work(), 0];
  const before = usageOf(child.pid).cpu;
  const result = await work();
  return [result, usageOf(child.pid).cpu - before];
}
