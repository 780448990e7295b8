/** Sentences about health states: of one member, of all of them, and what follows for sessions. */
import { formatDuration } from '../../../config/values/duration.ts';
import type { Ineligibility } from '../../../etcd/status/eligibility.ts';
import type { RoutingMode } from '../../../health/routing.ts';
import type { Evidence, Health } from '../../../health/state/health.ts';
import { count } from '../../../lib/text/count.ts';
import { error, info, warn } from './sentence.ts';

interface MemberChange {
  member: string;
  from: Health;
  to: Health;
  /** How long it must pass its checks before it is used again, ms; 0 for `rise` checks. */
  hold: number;
}

interface SessionsEvicted {
  member: string;
  sessions: number;
  health: Health;
  /** The members that the clients may go to. */
  others: readonly string[];
  mode: RoutingMode;
}

export const healthEvents = {
  /** "m1: healthy -> suspect: check timed out after 700ms" */
  'member-changed': (change: MemberChange) => {
    const { member, from, to } = change;
    const evidence = evidenceOf(to);
    const tell = to.state === 'suspect' || to.state === 'failed' ? warn : info;
    return tell(`${member}: ${from.state} -> ${to.state}${whyChanged(change)}`, {
      ...{ member, from: from.state, to: to.state },
      ...(evidence && {
        reason: evidence.failure.reason,
        evidence: {
          detail: evidence.failure.detail,
          failedChecks: evidence.failedChecks,
          since: new Date(evidence.since).toISOString(),
        },
      }),
    });
  },
  /** "m2 is not used: it is a learner, which refuses most calls until it is promoted" */
  'member-unfit': ({ member, reason, detail, isExcluded }: Ineligibility & { member: string }) => {
    const tell = reason === 'learner' ? info : isExcluded ? error : warn;
    return tell(`${member} is not used: ${detail}`, { member, reason });
  },
  'member-fit': ({ member }: { member: string }) =>
    info(`${member} is eligible: only its health checks decide now`, { member }),
  /** Panic begins or ends, or the first member was found healthy. `drained` members get no connections in any mode. */
  'mode-changed': (change: { from: RoutingMode; to: RoutingMode; drained: readonly string[] }) => {
    const { from, to, drained } = change;
    const isBut = to === 'panic' && drained.length > 0;
    const but = isBut ? `; nothing goes to ${drained.join(', ')}, drained by an operator` : '';
    const message = modes[to === 'normal' && from === 'panic' ? 'recovered' : to];
    return (to === 'panic' ? error : info)(`${message}${but}`, { from, to });
  },
  /**
   * "evicted 22 sessions from m1: 2 checks failed since 20:42:06.9 (timed out after 700ms); m0, m2
   * healthy", or, while none is healthy: "…; m0, m2 answer".
   */
  'sessions-evicted': ({ member, sessions, health, others, mode }: SessionsEvicted) => {
    const evidence = evidenceOf(health);
    const how = mode === 'panic' ? 'answer' : 'healthy';
    const why = evidence === undefined ? health.state : inWords(evidence);
    return warn(
      `evicted ${count(sessions, 'session')} from ${member}: ${why}; ${others.join(', ')} ${how}`,
      { member, sessions, reason: evidence?.failure.reason, [how]: others },
    );
  },
};

const modes = {
  panic:
    'no member is healthy: until one passes its checks, connections go to every member, except one that is unresponsive while most answer',
  normal: 'a member is healthy: ready',
  recovered: 'a member is healthy again: only healthy members are routed to',
  starting:
    'no member is healthy, and some have not been checked yet: every member that may serve is routed to',
};

function whyChanged({ from, to, hold }: MemberChange): string {
  if (to.state === 'recovering') {
    const damped =
      hold > 0 ? `; not used for ${formatDuration(hold)} more, since it has failed repeatedly` : '';
    return `: a check passed after ${inWords(to.evidence)}${damped}`;
  }
  const evidence = evidenceOf(to);
  if (evidence !== undefined) return `: ${inWords(evidence)}`;
  return evidenceOf(from) === undefined ? '' : ': checks pass again';
}

function evidenceOf(health: Health): Evidence | undefined {
  return 'evidence' in health ? health.evidence : undefined;
}

function inWords({ failure, failedChecks, since }: Evidence): string {
  if (failedChecks === 0) return failure.detail;
  const time = new Date(since).toISOString().slice(11, 21);
  return `${count(failedChecks, 'check')} failed since ${time} (${failure.detail})`;
}
