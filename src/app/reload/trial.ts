/**
 * The trial of a reload: the members of the new settings are probed, as the new settings say, before the old
 * ones are dropped. A mistyped port, or authorities of another cluster, are valid settings and would leave
 * clients without a member.
 *
 * Owns when a trial is due, its probes, and what they mean. Applies nothing, and writes no state of a member.
 */
import type { LookupFunction, Socket } from 'node:net';
import { isDeepStrictEqual } from 'node:util';
import { memberTls } from '../../certificates/certificates.ts';
import type { LiveSettings } from '../../config/live-settings.ts';
import type { Settings } from '../../config/settings.ts';
import type { Monitor } from '../../health/monitor.ts';
import { Probe, type ProbeOptions } from '../../health/probe.ts';
import { serves } from '../../health/routing.ts';
import type { Drains } from '../../members/drains.ts';
import type { Member } from '../../members/member.ts';
import type { Membership } from '../members/membership.ts';

export interface TrialRules {
  readonly settings: LiveSettings;
  readonly monitor: Monitor;
  readonly membership: Membership;
  readonly drains: Drains;
  readonly lookup: LookupFunction;
  readonly isSelf: (socket: Socket, port: number) => boolean;
}

/** How often a member is probed until it passes. */
const attempts = 2;

/** Why no member could be used under `next`, as one sentence; `undefined` when one could, or when none can be used now. */
export async function emptiesPool(next: Settings, rules: TrialRules): Promise<string | undefined> {
  const { monitor, membership, drains, lookup, isSelf } = rules;
  const usable = monitor.table.members.filter(serves);
  const planned = membership.under(next);
  const stays = planned.some(({ host, port }) =>
    usable.some((each) => each.host === host && each.port === port),
  );
  // Without a usable member there is nothing to lose.
  if (usable.length === 0 || (stays && areProbedAlike(next, rules.settings.current)))
    return undefined;
  const tls = memberTls(next.certificates.members, next.serverName);
  const options = { tls: () => tls, lookup, isSelf, hasStalled: () => false };
  const tried = planned.filter((member) => drains.of(member) === undefined);
  const failures = await Promise.all(
    tried.map((member) => whyFailing(member, next.checkTimeout, options)),
  );
  if (failures.includes(undefined)) return undefined;
  const seen = tried.map((member, index) => `${nameOf(member)} ${failures[index]}`).join('; ');
  return `No member could be used: ${seen === '' ? 'all of them are drained' : seen}; correct the settings, or give --force.`;
}

/** Why a member does not pass, as one clause; undefined when it does. Never rejects. */
async function whyFailing(
  { checkUrl: url, lookup }: Member,
  timeout: number,
  options: Omit<ProbeOptions, 'url'>,
): Promise<string | undefined> {
  const probe = new Probe({ ...options, ...(lookup && { lookup }), url });
  let why: string | undefined;
  for (let attempt = 0; attempt < attempts; attempt += 1) {
    const result = await probe.check(timeout, () => {});
    why = result.ok ? undefined : result.failure.detail;
    if (result.ok) break;
  }
  probe.close();
  return why;
}

function areProbedAlike(a: Settings, b: Settings): boolean {
  return (
    a.checkUrl === b.checkUrl &&
    a.serverName === b.serverName &&
    isDeepStrictEqual(a.certificates.members, b.certificates.members)
  );
}

function nameOf({ name, endpoint }: Member): string {
  return endpoint.endsWith(name) ? name : `${name} (${endpoint})`;
}
