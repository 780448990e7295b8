/**
 * What a policy is: it chooses one of several members. The data path calls nothing else of this
 * room. Each policy is a file of its own; policies.ts makes one by name.
 */
import type { Member } from '../../members/member.ts';

/** Source of numbers in [0, 1), `Math.random` but in tests. */
export type RandomSource = () => number;

/**
 * Chooses one of `members` that is not in `tried`; `undefined` when none is left. Called once a
 * dial, in well under a microsecond: neither allocates nor changes its arguments.
 */
export type Policy = (members: readonly Member[], tried: readonly Member[]) => Member | undefined;
