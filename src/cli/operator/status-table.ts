/** The status as text: one line for the balancer, one for each member. Pure. */

import { styleText } from 'node:util';
import { formatBytes, formatMs, formatSeconds } from '../../lib/text/quantities.ts';
import { membersOf } from '../../observe/events/members-of.ts';
import { outcomeOf } from '../../observe/events/sentences/hold.ts';
import type { MemberReport, Status } from '../../observe/status.ts';
import { age, columns } from '../table.ts';

/** Two statuses, some time apart, from which rates follow. */
export interface Sample {
  readonly status: Status;
  /** When it was taken, ms of `performance.now()`. */
  readonly at: number;
}

const heads = ['MEMBER', 'STATE', 'SESSIONS', 'CALLS/S', 'TRAFFIC', 'CHECK', 'LAST EVENT'];
/** A hold that ended longer ago is not shown, ms. */
const recent = 600_000;
const colours = {
  healthy: 'green',
  recovering: 'yellow',
  suspect: 'yellow',
  unknown: 'yellow',
  failed: 'red',
} as const;

/**
 * @param before an earlier sample.
 * @param now ms since the epoch.
 */
export function statusTable(sample: Sample, before: Sample, now: number): string {
  const { status } = sample;
  const seconds = (sample.at - before.at) / 1000;
  const rows = status.members.map((member) => {
    const past = before.status.members.find(({ name }) => name === member.name);
    const rate = (figure: (of: MemberReport) => number): number =>
      past === undefined ? 0 : Math.max(0, figure(member) - figure(past)) / seconds;
    const traffic = rate((of) => of.bytesFromClients + of.bytesFromMember);
    const calls = member.calls && rate((of) => of.calls?.total ?? 0).toFixed(0);
    const { lastCheck } = member;
    const check = lastCheck === undefined ? '-' : `${lastCheck.durationMs} ms`;
    return [
      `${member.name}${member.name === status.cluster.leader ? ' *' : ''}`,
      stateOf(member),
      `${member.sessions}`,
      calls ?? '-',
      `${formatBytes(traffic)}/s`,
      lastCheck?.ok === false ? (lastCheck.detail ?? check) : check,
      lastEventOf(member.name, status, now),
    ];
  });
  const lines = [summary(status), ...holding(status)];
  return [...lines, '', ...columns([heads, ...rows]), ...notes(status, now)].join('\n');
}

function summary(status: Status): string {
  const { version, listen, mode, sessions, waitingClients, cluster } = status;
  const { leader, term, quorum, voters, healthyVoters, tolerance, alarms } = cluster;
  const shown = { normal: 'green', starting: 'yellow', panic: 'red' } as const;
  const voting = `${healthyVoters} of ${voters.length} voters healthy`;
  const parts = [
    `etcd-lb ${version} on ${listen.join(', ')}`,
    styleText(shown[mode], status.stopping ? 'stopping' : mode),
    `${sessions} sessions${waitingClients > 0 ? `, ${waitingClients} clients wait` : ''}`,
    leader === undefined ? 'no leader known' : `* ${leader} leads, term ${term}`,
    ...(voters.length > 0 ? [`${voting}, quorum ${quorum}, ${tolerance} may fail`] : []),
    ...alarms.map(({ kind, member }) => styleText('red', `alarm ${kind} of ${member}`)),
  ];
  return parts.join(' · ');
}

/** "holding for 0.8 s: m1, the leader, does not answer", while that lasts. */
function holding({ hold: { current } }: Status): string[] {
  if (current === undefined) return [];
  return [styleText('yellow', `holding for ${formatSeconds(current.forMs)}: ${current.why}`)];
}

function stateOf({ state, drain, unfit }: MemberReport): string {
  const shown = styleText(colours[state], state);
  if (drain !== undefined) return `${shown}, ${styleText('yellow', 'drained')}`;
  return unfit === undefined ? shown : `${shown}, ${styleText('yellow', unfit.reason)}`;
}

function lastEventOf(name: string, { events }: Status, now: number): string {
  const last = events.findLast(({ fields }) => membersOf(fields).includes(name));
  if (last === undefined) return '-';
  const { message } = last;
  const text = message.startsWith(`${name}: `) ? message.slice(name.length + 2) : message;
  const short = text.length > 60 ? `${text.slice(0, 59)}…` : text;
  return `${short} (${age(now - Date.parse(last.at))} ago)`;
}

function notes({ leaving, absentDrains, hold }: Status, now: number): string[] {
  return [
    ...lastHold(hold, now),
    ...leaving.map(({ name, sessions }) => `${name} was removed; ${sessions} sessions left`),
    ...absentDrains.map((name) => `${name} is drained, and is not a member at the moment`),
  ];
}

/** "last hold 2 min ago, for 1.3 s: m2 leads" */
function lastHold({ last }: Status['hold'], now: number): string[] {
  if (last === undefined) return [];
  const ago = now - Date.parse(last.at) - last.durationMs;
  if (ago >= recent) return [];
  return [`last hold ${age(ago)} ago, for ${formatMs(last.durationMs)}: ${outcomeOf(last)}`];
}
