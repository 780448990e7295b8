/** Candidates and repeatable random numbers for the tests of this folder. */
import type { RandomSource } from '../../../src/balancing/policy.ts';
import type { Candidate } from '../../../src/balancing/snapshot.ts';

/** `m0`, `m1` and so on, with these loads. */
export function candidatesWith(...loads: number[]): Candidate[] {
  return loads.map((load, index) => ({
    name: `m${index}`,
    host: '127.0.0.1',
    port: 2379,
    load,
    calls: 0,
    weight: 1,
  }));
}

export function candidates(count: number): Candidate[] {
  return candidatesWith(...Array.from({ length: count }, () => 0));
}

/** mulberry32: even enough, and the same numbers for the same seed. */
export function seeded(seed: number): RandomSource {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** How often each of `all` is chosen in `rounds` calls of `choose`. */
export function countChoices(
  all: readonly Candidate[],
  rounds: number,
  choose: () => Candidate | undefined,
): number[] {
  const chosen = Array.from({ length: rounds }, choose);
  return all.map((candidate) => chosen.filter((each) => each === candidate).length);
}
