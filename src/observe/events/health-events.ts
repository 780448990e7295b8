/** What is said of verdicts: on single members, on all of them, and what follows for sessions. Owns the wording. */

import type { TableChange } from '../../health/member-table.ts';
import type { RoutingMode } from '../../health/routing.ts';
import type { Evidence, Health } from '../../health/state/health.ts';
import { count } from '../../lib/count.ts';
import type { Member } from '../../members/member.ts';
import type { EventBody } from './event-log.ts';

/** "m1: healthy -> suspect: check timed out after 700 ms" */
export function memberChanged({
  member,
  from,
  to,
  hold,
}: NonNullable<TableChange['member']>): EventBody {
  const evidence = evidenceOf(to);
  const past = evidenceOf(from);
  let why = '';
  if (to.state === 'recovering') {
    why = `: a check passed after ${describe(to.evidence)}`;
    if (hold > 0) why += `; not used for ${hold} ms more, since it has failed again and again`;
  } else if (evidence !== undefined) why = `: ${describe(evidence)}`;
  else if (past !== undefined) why = ': checks pass again';
  return {
    level: to.state === 'suspect' || to.state === 'failed' ? 'warn' : 'info',
    kind: 'member-changed',
    message: `${member.name}: ${from.state} -> ${to.state}${why}`,
    fields: {
      member: member.name,
      from: from.state,
      to: to.state,
      ...(evidence && {
        reason: evidence.failure.reason,
        evidence: {
          detail: evidence.failure.detail,
          failedChecks: evidence.failedChecks,
          since: new Date(evidence.since).toISOString(),
        },
      }),
    },
  };
}

/**
 * Panic begins and ends, or the first member was found healthy.
 *
 * @param drained members that get nothing however they are.
 */
export function modeChanged(
  from: RoutingMode,
  to: RoutingMode,
  drained: readonly Member[],
): EventBody {
  const message = {
    panic:
      'no member is healthy: until one passes its checks, connections go to every member but one that answers nothing while most do',
    normal:
      from === 'panic'
        ? 'a member is healthy again: only healthy members are routed to'
        : 'a member is healthy: ready',
    starting:
      'no member is healthy, and some have not been checked yet: every member that may serve is routed to',
  }[to];
  const names = drained.map(({ name }) => name).join(', ');
  const but =
    to === 'panic' && names !== '' ? `; nothing goes to ${names}, drained by an operator` : '';
  return {
    level: to === 'panic' ? 'error' : 'info',
    kind: 'mode-changed',
    message: `${message}${but}`,
    fields: { from, to },
  };
}

/**
 * "evicted 22 sessions from m1: 2 checks failed since 20:42:06.9 (timed out after 700 ms); m0, m2
 * healthy", or, while nobody is: "…; m0, m2 answer".
 */
export function sessionsEvicted(
  member: Member,
  sessions: number,
  health: Health,
  others: readonly Member[],
  mode: RoutingMode,
): EventBody {
  const evidence = evidenceOf(health);
  const names = others.map((each) => each.name);
  const how = mode === 'panic' ? 'answer' : 'healthy';
  const why = evidence === undefined ? health.state : describe(evidence);
  return {
    level: 'warn',
    kind: 'sessions-evicted',
    message: `evicted ${count(sessions, 'session')} from ${member.name}: ${why}; ${names.join(', ')} ${how}`,
    fields: {
      member: member.name,
      sessions,
      reason: evidence?.failure.reason,
      [how]: names,
    },
  };
}

function evidenceOf(health: Health): Evidence | undefined {
  return 'evidence' in health ? health.evidence : undefined;
}

function describe({ failure, failedChecks, since }: Evidence): string {
  if (failedChecks === 0) return failure.detail;
  const time = new Date(since).toISOString().slice(11, 21);
  return `${count(failedChecks, 'check')} failed since ${time} (${failure.detail})`;
}
