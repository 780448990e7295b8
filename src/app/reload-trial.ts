/**
 * What a reload would do to the pool: members as the new settings name and check them are asked before the
 * old ones are let go. A mistyped port, or authorities of another cluster, are valid settings and would leave
 * clients with nobody.
 *
 * Owns when a trial is due and what it means. Puts nothing in force.
 */
import type { LookupFunction, Socket } from 'node:net';
import { isDeepStrictEqual } from 'node:util';
import { memberTls } from '../certificates/certificates.ts';
import type { LiveSettings } from '../config/live-settings.ts';
import type { Settings } from '../config/settings.ts';
import type { Monitor } from '../health/monitor.ts';
import { serves } from '../health/routing.ts';
import { tryMember } from '../health/trial.ts';
import type { Drains } from '../members/drains.ts';
import type { Member } from '../members/member.ts';
import type { Membership } from './membership.ts';

export interface TrialRules {
  readonly settings: LiveSettings;
  readonly monitor: Monitor;
  readonly membership: Membership;
  readonly drains: Drains;
  readonly lookup: LookupFunction;
  readonly isSelf: (socket: Socket, port: number) => boolean;
}

/** Why no member could be used under `next`, as one sentence; `undefined` when one could, or none can now. */
export async function emptiesPool(next: Settings, rules: TrialRules): Promise<string | undefined> {
  const { monitor, membership, drains, lookup, isSelf } = rules;
  const usable = monitor.table.members.filter(serves);
  const planned = membership.under(next);
  const stays = planned.some(({ host, port }) =>
    usable.some((each) => each.host === host && each.port === port),
  );
  // With nobody to lose, whatever the operator tries is worth a try.
  if (usable.length === 0 || (stays && areAskedAlike(next, rules.settings.current)))
    return undefined;
  const tls = memberTls(next.certificates.members, next.serverName);
  const options = { timeout: next.checkTimeout, tls: () => tls, lookup, isSelf };
  const tried = await Promise.all(
    planned
      .filter((member) => drains.of(member) === undefined)
      .map(async (member) => ({
        member,
        why: await tryMember(member, { ...options, wasStarved: () => false }),
      })),
  );
  if (tried.some(({ why }) => why === undefined)) return undefined;
  const seen = tried.map(({ member, why }) => `${nameOf(member)} ${why}`).join('; ');
  return `No member could be used: ${seen === '' ? 'all of them are drained' : seen}; correct the settings, or give --force.`;
}

function areAskedAlike(a: Settings, b: Settings): boolean {
  return (
    a.checkUrl === b.checkUrl &&
    a.serverName === b.serverName &&
    isDeepStrictEqual(a.certificates.members, b.certificates.members)
  );
}

function nameOf({ name, endpoint }: Member): string {
  return endpoint.endsWith(name) ? name : `${name} (${endpoint})`;
}
