/**
 * A trial: one look at a member as it would be under other settings, before these are put in force.
 *
 * Owns its probe, for as long as it lasts. Writes nothing of the member.
 */
import type { Member } from '../members/member.ts';
import { Probe, type ProbeOptions } from './probe.ts';

export interface TrialOptions extends Omit<ProbeOptions, 'url'> {
  /** Bound on each check, ms. */
  readonly timeout: number;
}

/** How often a member is asked that does not pass at once. */
const attempts = 2;

/** Why a member does not pass, as one clause; undefined when it does. Never rejects. */
export async function tryMember(
  member: Member,
  { timeout, lookup, ...options }: TrialOptions,
): Promise<string | undefined> {
  const { checkUrl: url, lookup: own = lookup } = member;
  const probe = new Probe({ ...options, url, lookup: own });
  let why: string | undefined;
  for (let attempt = 0; attempt < attempts; attempt += 1) {
    const result = await probe.check(timeout, () => {});
    why = result.ok ? undefined : result.failure.detail;
    if (result.ok) break;
  }
  probe.close();
  return why;
}
