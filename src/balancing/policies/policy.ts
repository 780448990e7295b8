/**
 * A policy chooses one of several members. The data path uses nothing else of this room. Each policy has its
 * own file; policies.ts makes one by name.
 */
import type { Member } from '../../members/member.ts';

/** A source of numbers in [0, 1): `Math.random`, except in tests. */
export type RandomSource = () => number;

/**
 * Chooses one of `members` that is not in `tried`; `undefined` if none is left. Called for each attempt of a
 * dial, takes well under a microsecond, and neither allocates nor changes its arguments.
 */
export type Policy = (members: readonly Member[], tried: readonly Member[]) => Member | undefined;
