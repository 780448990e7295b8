/** The status as text: a few lines for the balancer and the cluster, one for each member. Pure. */

import { styleText } from 'node:util';
import { quotaShare } from '../../etcd/status/quota.ts';
import { formatBytes, formatMs, formatSeconds, formatShare } from '../../lib/text/quantities.ts';
import {
  endingCertificates,
  refusedReload,
  turningAway,
  whyUnserved,
} from '../../observe/concerns.ts';
import { membersOf } from '../../observe/events/members-of.ts';
import { outcomeOf } from '../../observe/events/sentences/hold.ts';
import { whyRejected } from '../../observe/events/sentences/traffic.ts';
import { lagOf } from '../../observe/lag.ts';
import type { MemberReport, Status } from '../../observe/status.ts';
import { age, columns } from '../table.ts';

/** Two statuses, some time apart, from which rates follow. */
export interface Sample {
  readonly status: Status;
  /** When it was taken, ms of `performance.now()`. */
  readonly at: number;
}

const heads = [
  ...['MEMBER', 'ADDRESS', 'STATE', 'VERSION', 'SESSIONS', 'CALLS/S', 'TRAFFIC', 'CHECK'],
  ...['DB', 'LAG'],
];
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
  const rows = status.members.map((member) => rowOf(member, sample, before));
  return [
    summary(status, now),
    clusterLine(status),
    ...unserved(status),
    ...holding(status),
    ...concerns(status, now),
    '',
    ...columns([heads, ...rows]),
    '',
    ...status.members.map((member) => whyOf(member, now) ?? lastEventOf(member, status, now)),
    ...notes(status, now),
  ].join('\n');
}

/** "etcd-lb 0.1.0 cp1 on 10.0.0.1:2379 · normal · 12 of 10000 sessions · up 3 d" */
function summary(status: Status, now: number): string {
  const { version, name, host, listen, mode, sessions, maxConnections, waitingClients } = status;
  const shown = { normal: 'green', starting: 'yellow', panic: 'red' } as const;
  const who = name === host ? name : `${name} (host ${host})`;
  const parts = [
    `etcd-lb ${version} ${who} on ${listen.join(', ')}`,
    styleText(shown[mode], status.stopping ? 'stopping' : mode),
    `${sessions} of ${maxConnections} sessions${waitingClients > 0 ? `, ${waitingClients} clients wait` : ''}`,
    `up ${age(now - Date.parse(status.startedAt))}`,
  ];
  return parts.join(' · ');
}

/** "* m0 leads, term 7 · 3 of 3 voters healthy, quorum 2, 1 may fail" */
function clusterLine({ cluster }: Status): string {
  const { leader, term, quorum, voters, healthyVoters, tolerance, alarms } = cluster;
  const voting = `${healthyVoters} of ${voters.length} voters healthy`;
  const parts = [
    leader === undefined ? 'no leader known' : `* ${leader} leads, term ${term}`,
    ...(voters.length > 0 ? [`${voting}, quorum ${quorum}, ${tolerance} may fail`] : []),
    ...alarms.map(({ kind, member }) => styleText('red', `alarm ${kind} of ${member}`)),
  ];
  return parts.join(' · ');
}

/** "paused by an operator: clients wait", while that lasts. */
function unserved(status: Status): string[] {
  const why = whyUnserved(status);
  return why === undefined ? [] : [styleText('yellow', why)];
}

/** "holding for 0.8 s: m1, the leader, does not answer", while that lasts. */
function holding({ hold: { current } }: Status): string[] {
  if (current === undefined) return [];
  return [styleText('yellow', `holding for ${formatSeconds(current.forMs)}: ${current.why}`)];
}

/** What is wrong with the balancer itself, a line each. */
function concerns(status: Status, now: number): string[] {
  const { last } = status.reload;
  const why = refusedReload(status);
  return [
    ...turningAway(status, now).map((reason) => {
      const { clients, lastAt } = status.rejectedClients[reason] ?? { clients: 0, lastAt: '' };
      const when = `${clients} so far, the last ${age(now - Date.parse(lastAt))} ago`;
      return styleText('red', `clients are turned away: ${whyRejected[reason]} (${when})`);
    }),
    ...(why === undefined || last === undefined
      ? []
      : [styleText('yellow', `reload refused ${age(now - Date.parse(last.at))} ago: ${why}`)]),
    ...endingCertificates(status).map(({ name, path, notAfter, daysLeft }) => {
      const left = Date.parse(notAfter) - now;
      const when = daysLeft < 0 ? `expired ${age(-left)} ago` : `ends in ${age(left)}`;
      return styleText(daysLeft < 0 ? 'red' : 'yellow', `certificate --${name} ${when}: ${path}`);
    }),
  ];
}

function rowOf(member: MemberReport, sample: Sample, before: Sample): string[] {
  const { cluster, members } = sample.status;
  const seconds = (sample.at - before.at) / 1000;
  const past = before.status.members.find(({ name }) => name === member.name);
  const rate = (figure: (of: MemberReport) => number): number =>
    past === undefined ? 0 : Math.max(0, figure(member) - figure(past)) / seconds;
  const { name, endpoint, address, sessions, calls, lastCheck, etcd } = member;
  // What was of sessions that are gone, or of a status that is old, is not told as if it were of now.
  const isUsed = sessions > 0;
  const traffic = rate((of) => of.bytesFromClients + of.bytesFromMember);
  const known = member.unknown === undefined ? etcd : undefined;
  const lag = lagOf(member, members);
  return [
    `${name}${name === cluster.leader ? ' *' : ''}`,
    `${endpoint.replace(/^https?:\/\//, '')}${address === undefined ? '' : ` (${address})`}`,
    stateOf(member),
    etcd?.version ?? '-',
    `${sessions}`,
    isUsed && calls ? rate((of) => of.calls?.total ?? 0).toFixed(0) : '-',
    isUsed ? `${formatBytes(traffic)}/s` : '-',
    checkOf(lastCheck),
    known === undefined ? '-' : databaseOf(known),
    lag === undefined ? '-' : `${lag}`,
  ];
}

function checkOf(check: MemberReport['lastCheck']): string {
  if (check === undefined) return '-';
  return check.ok ? `${check.durationMs} ms` : 'failed';
}

/** "20 kB, 1 %" of the quota, where that is known. */
function databaseOf(etcd: NonNullable<MemberReport['etcd']>): string {
  const share = quotaShare(etcd);
  return formatBytes(etcd.dbSize) + (share === undefined ? '' : `, ${formatShare(share)}`);
}

function stateOf({ state, drain, unfit }: MemberReport): string {
  const shown = styleText(colours[state], state);
  if (drain !== undefined) return `${shown}, ${styleText('yellow', 'drained')}`;
  return unfit === undefined ? shown : `${shown}, ${styleText('yellow', unfit.reason)}`;
}

/** "m1: failed for 12 s: timed out after 700 ms"; undefined for a member that is used. */
function whyOf(member: MemberReport, now: number): string | undefined {
  const { name, state, since, unfit, evidence } = member;
  const why = evidence?.detail ?? unfit?.detail;
  if (why === undefined) return undefined;
  const what = evidence === undefined ? 'not used' : `${state} for ${age(now - Date.parse(since))}`;
  return `${name}: ${what}: ${why}`;
}

/** "m1: recovering -> healthy: checks pass again (12 s ago)" */
function lastEventOf({ name }: MemberReport, { events }: Status, now: number): string {
  const last = events.findLast(({ fields }) => membersOf(fields).includes(name));
  if (last === undefined) return `${name}: nothing has happened`;
  const { message } = last;
  const text = message.startsWith(`${name}: `) ? message.slice(name.length + 2) : message;
  const short = text.length > 76 ? `${text.slice(0, 75)}…` : text;
  return `${name}: ${short} (${age(now - Date.parse(last.at))} ago)`;
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
