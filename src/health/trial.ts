/**
 * A trial: one look at members as they would be under other settings, before these are put in force.
 *
 * Owns its probes, for as long as it lasts. Changes no verdict.
 */
import type { Member } from '../members/member.ts';
import { Probe, type ProbeOptions } from './probe.ts';

export interface TrialOptions extends Omit<ProbeOptions, 'url'> {
  /** Bound on each check, ms. */
  readonly timeout: number;
}

/** What was seen of one member; `why` it does not pass, as one clause. */
export interface Tried<T> {
  readonly member: T;
  readonly why: string | undefined;
}

/** How often a member is asked that does not pass at once. */
const attempts = 2;

/** Checks all of them side by side. Never rejects. */
export function tryMembers<T extends Member>(
  members: readonly T[],
  options: TrialOptions,
): Promise<Tried<T>[]> {
  return Promise.all(members.map((member) => tryMember(member, options)));
}

async function tryMember<T extends Member>(
  member: T,
  { timeout, ...options }: TrialOptions,
): Promise<Tried<T>> {
  const lookup = member.lookup ?? options.lookup;
  const probe = new Probe({ ...options, lookup, url: member.checkUrl });
  let why: string | undefined;
  try {
    for (let attempt = 0; attempt < attempts; attempt += 1) {
      const result = await probe.check(timeout, () => {});
      if (result.ok) return { member, why: undefined };
      why = result.failure.detail;
    }
  } finally {
    probe.close();
  }
  return { member, why };
}
