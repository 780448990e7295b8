/**
 * The status: everything known about the balancer and its members at one moment, as plain data.
 *
 * Owns the shape of `/status`. Reads the monitor and the proxy, changes neither.
 */

import type { Cluster } from '../etcd/cluster.ts';
import type { ClusterView } from '../etcd/cluster-view.ts';
import type { IneligibleReason } from '../etcd/eligibility.ts';
import type { MemberStatus } from '../etcd/member-status.ts';
import type { Health } from '../health/health.ts';
import type { Monitor } from '../health/monitor.ts';
import { type RoutingMode, serves } from '../health/routing.ts';
import type { HoldCause, HoldEnd } from '../leader/hold.ts';
import type { EndedHold, HoldView } from '../leader/hold-status.ts';
import type { FailureReason } from '../lib/net/failure.ts';
import type { Drains } from '../members/drains.ts';
import type { Member } from '../members/member.ts';
import type { DataPath } from '../proxy/data-path.ts';
import type { MemberDrains } from '../proxy/sessions/member-drains.ts';
import type { EndReason } from '../proxy/sessions/session.ts';
import type { Event } from './events/event-log.ts';
import { rounded } from './events/hold-events.ts';

/** All times are ISO 8601, all durations and byte counts plain numbers in the unit of their name. */
export interface Status {
  readonly version: string;
  readonly node: string;
  readonly pid: number;
  readonly startedAt: string;
  readonly listen: readonly string[];
  readonly policy: string;
  /** How bytes are copied: `shared-buffer`, or `streams` where this Node does not allow it. */
  readonly copier: string;
  readonly mode: RoutingMode;
  readonly stopping: boolean;
  readonly sessions: number;
  /** Clients that are held while members are dialled. */
  readonly waitingClients: number;
  readonly cluster: ClusterStatus;
  readonly hold: HoldStatus;
  readonly members: readonly MemberReport[];
  /** Drained members that are none at the moment: they stay drained if they come back. */
  readonly absentDrains: readonly string[];
  /** Those that are no members any more, until their last session has ended. */
  readonly leaving: readonly { readonly name: string; readonly sessions: number }[];
  /** The last few hundred, oldest first. */
  readonly events: readonly (Omit<Event, 'at'> & { readonly at: string })[];
}

/** What the members say of their cluster; empty and 0 while none has said anything. */
export interface ClusterStatus extends Omit<ClusterView, 'leader'> {
  readonly leader?: string;
  /** Since when it is known to lead. */
  readonly leaderSince?: string;
  /** Seen since the balancer started. */
  readonly leaderChanges: number;
}

/** Of what clients send, while the leader is lost. Leaders are told by their names. */
export interface HoldStatus {
  /** The longest hold; 0: none. */
  readonly limitMs: number;
  /** That which lasts. */
  readonly current?: {
    readonly leader: string;
    readonly cause: HoldCause;
    /** One clause, such as `m1, the leader, does not answer`. */
    readonly why: string;
    readonly since: string;
    readonly forMs: number;
  };
  /** The last that is over. */
  readonly last?: {
    readonly leader: string;
    readonly cause: HoldCause;
    readonly end: HoldEnd;
    /** Absent while it is not known who leads. */
    readonly successor?: string;
    /** Its begin. */
    readonly at: string;
    readonly durationMs: number;
  };
}

export interface MemberReport {
  readonly name: string;
  readonly endpoint: string;
  /** Of its host, where that is a name that several members share. */
  readonly address?: string;
  readonly checkUrl: string;
  readonly state: Health['state'];
  readonly since: string;
  /** Is it healthy and fit? In panic connections may go there although this says no. */
  readonly acceptsNew: boolean;
  /** Why it is not used although its checks may pass. */
  readonly unfit?: { readonly reason: IneligibleReason; readonly detail: string };
  /** Since when an operator wants it drained, and until when its sessions have time, if there are any. */
  readonly drain?: { readonly since: string; readonly until?: string };
  readonly evidence?: {
    readonly reason: FailureReason;
    readonly detail: string;
    readonly failedChecks: number;
    readonly since: string;
  };
  readonly lastCheck?: {
    readonly at: string;
    readonly ok: boolean;
    readonly durationMs: number;
    readonly detail?: string;
  };
  /** What it says of itself, from its last answer; absent if it never gave one. */
  readonly etcd?: Omit<MemberStatus, 'at' | 'members' | 'alarms'> & { readonly at: string };
  /** Why it does not answer questions about itself at this moment. */
  readonly unknown?: string;
  readonly sessions: number;
  readonly sessionsOpened: number;
  readonly sessionsEnded: Readonly<Record<EndReason, number>>;
  readonly bytesFromClients: number;
  readonly bytesFromMember: number;
  /** Absent where bytes are opaque. */
  readonly calls?: {
    readonly total: number;
    readonly inFlight: number;
    /** Calls in flight, and watches and the like. */
    readonly streams: number;
  };
}

/** What does not change while the balancer runs. */
export type Identity = Pick<Status, 'version' | 'node' | 'pid' | 'startedAt' | 'listen' | 'copier'>;

export interface StatusSources {
  readonly identity: Identity;
  /** The name of the policy. */
  readonly policy: () => string;
  readonly members: () => readonly Member[];
  readonly memberDrains: Pick<MemberDrains, 'leaving' | 'deadlineOf'>;
  readonly drains: Pick<Drains, 'all' | 'of'>;
  readonly monitor: Monitor;
  readonly cluster: Cluster;
  readonly hold: () => HoldView;
  readonly proxy: DataPath;
  readonly events: () => readonly Event[];
  readonly stopping: () => boolean;
}

/** Takes the picture. Walks the open sessions once. */
export function takeStatus(sources: StatusSources): Status {
  const { identity, memberDrains, drains, monitor, proxy, cluster, events, stopping } = sources;
  const members = sources.members();
  return {
    ...identity,
    policy: sources.policy(),
    mode: monitor.table.mode,
    stopping: stopping(),
    sessions: proxy.sessions.count,
    waitingClients: proxy.waiting,
    cluster: clusterStatus(cluster),
    hold: holdStatus(sources.hold(), Date.now()),
    members: members.map((member) => memberStatus(member, sources)),
    absentDrains: drains.all
      .filter((drain) => !members.some((member) => drains.of(member) === drain))
      .map(({ name }) => name),
    leaving: memberDrains.leaving.map((member) => ({
      name: member.name,
      sessions: proxy.sessions.countOf(member),
    })),
    events: events().map((event) => ({ ...event, at: iso(event.at) })),
  };
}

function clusterStatus(cluster: Cluster): ClusterStatus {
  const { leader, ...picture } = cluster.view;
  const { leaderSince, leaderChanges } = cluster;
  return {
    ...picture,
    ...(leader && { leader: leader.name }),
    ...(leaderSince !== undefined && { leaderSince: iso(leaderSince) }),
    leaderChanges,
  };
}

/** @param now ms since the epoch. */
export function holdStatus({ limit, current, last }: HoldView, now: number): HoldStatus {
  return {
    limitMs: limit,
    ...(current && {
      current: {
        leader: current.leader,
        cause: current.cause,
        why: current.why,
        since: iso(current.since),
        // The clock may have been put back.
        forMs: Math.max(0, Math.round(now - current.since)),
      },
    }),
    ...(last && { last: endedStatus(last) }),
  };
}

function endedStatus(ended: EndedHold): NonNullable<HoldStatus['last']> {
  const { leader, cause, end, successor, since, duration } = ended;
  return {
    ...{ leader, cause, end },
    ...(successor !== undefined && { successor }),
    at: iso(since),
    durationMs: rounded(duration),
  };
}

function memberStatus(
  member: Member,
  { monitor, cluster, proxy, drains, memberDrains }: StatusSources,
): MemberReport {
  const { name, endpoint, address, checkUrl } = member;
  const entry = monitor.table.entry(member);
  const { health } = entry;
  const check = monitor.lastCheck(member);
  const totals = proxy.sessions.totalsOf(member);
  const { bytes } = totals;
  const drain = drains.of(member);
  const deadline = memberDrains.deadlineOf(member);
  return {
    name,
    endpoint,
    ...(address !== undefined && { address }),
    checkUrl,
    state: health.state,
    since: iso(health.since),
    acceptsNew: serves(entry),
    ...(entry.unfit && { unfit: { reason: entry.unfit.reason, detail: entry.unfit.detail } }),
    ...(drain && {
      drain: {
        since: drain.since,
        ...(deadline !== undefined && { until: iso(performance.timeOrigin + deadline) }),
      },
    }),
    ...('evidence' in health && {
      evidence: {
        ...health.evidence.failure,
        failedChecks: health.evidence.failedChecks,
        since: iso(health.evidence.since),
      },
    }),
    ...(check && {
      lastCheck: {
        at: iso(check.at),
        ok: check.ok,
        durationMs: Math.round(check.duration * 10) / 10,
        ...(!check.ok && { detail: check.failure.detail }),
      },
    }),
    ...saidBy(member, cluster),
    sessions: proxy.sessions.countOf(member),
    sessionsOpened: totals.opened,
    sessionsEnded: totals.ended,
    bytesFromClients: bytes.client,
    bytesFromMember: bytes.member,
    ...(proxy.follows(member) && {
      calls: {
        total: totals.calls.started,
        inFlight: member.calls,
        streams: totals.calls.streams,
      },
    }),
  };
}

function saidBy(member: Member, cluster: Cluster): Pick<MemberReport, 'etcd' | 'unknown'> {
  const facts = cluster.statusOf(member);
  const unknown = cluster.whyUnknown(member);
  if (facts === undefined) return unknown === undefined ? {} : { unknown };
  const { at, members: _members, alarms: _alarms, ...etcd } = facts;
  return { etcd: { ...etcd, at: iso(at) }, ...(unknown !== undefined && { unknown }) };
}

function iso(ms: number): string {
  return new Date(ms).toISOString();
}
