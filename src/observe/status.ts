/**
 * The status: everything known about the balancer and its members at one moment, as plain data.
 *
 * Owns the shape of `/status`, which omits undefined fields. Reads the other rooms and changes nothing.
 */
import type { CertificateInUse } from '../certificates/expiry.ts';
import type { Cluster, Replaced } from '../etcd/cluster.ts';
import type { ClusterView } from '../etcd/status/cluster-view.ts';
import type { Ineligibility } from '../etcd/status/eligibility.ts';
import type { MemberStatus } from '../etcd/status/member-status.ts';
import type { Monitor } from '../health/monitor.ts';
import { type RoutingMode, serves } from '../health/routing.ts';
import type { Evidence, Health } from '../health/state/health.ts';
import type { CurrentHold, EndedHold, HoldView } from '../leader/hold-status.ts';
import type { Failure } from '../lib/net/failure.ts';
import { rounded } from '../lib/text/quantities.ts';
import { iso } from '../lib/time/iso.ts';
import type { Drains } from '../members/drains.ts';
import type { Member } from '../members/member.ts';
import type { DataPath } from '../proxy/data-path.ts';
import type { AskedPause } from '../proxy/pause.ts';
import type { MemberDrains } from '../proxy/sessions/member-drains.ts';
import type { EndReason } from '../proxy/sessions/session.ts';
import type { SnapshotView } from '../snapshot/schedule/scheduled.ts';
import {
  type CertificateReport,
  certificateReport,
  type RejectedReport,
  type ReloadReport,
  rejectedClients,
  reloadReport,
} from './balancer-report.ts';
import type { RecordedEvent } from './events/event-log.ts';
import type { ReloadHistory } from './events/sentences/operators.ts';
import { type SnapshotStatus, snapshotStatus } from './snapshot-status.ts';

/** All times are ISO 8601, all durations and byte counts plain numbers in the unit of their name. */
export interface Status {
  /** Of this balancer: `--name`, or the host name. */
  readonly name: string;
  /** The host name. */
  readonly host: string;
  readonly version: string;
  readonly node: string;
  readonly pid: number;
  readonly startedAt: string;
  readonly listen: readonly string[];
  /** The file that the settings come from, if there is one. */
  readonly configFile?: string | undefined;
  readonly policy: string;
  /** How bytes are copied: `shared-buffer`, or `streams` where this Node does not allow it. */
  readonly copier: string;
  readonly mode: RoutingMode;
  readonly stopping: boolean;
  readonly sessions: number;
  /** Clients that wait while members are dialled. */
  readonly waitingClients: number;
  /** Sessions and waiting clients that there may be; further clients are turned away. */
  readonly maxConnections: number;
  /** Since the start, by reason; reasons without any are absent. */
  readonly rejectedClients: RejectedReport;
  /** Clients that were connected to a member after another had been tried for them. */
  readonly failovers: number;
  readonly certificates: readonly CertificateReport[];
  readonly reload: ReloadReport;
  readonly cluster: ClusterStatus;
  readonly hold: HoldStatus;
  /** Absent where there is no schedule. */
  readonly snapshots?: SnapshotStatus | undefined;
  /** Present while an operator has paused it: nobody gets a member. */
  readonly paused?: AskedPause | undefined;
  readonly members: readonly MemberReport[];
  /** Drains of members that are absent at the moment. They apply when the members come back. */
  readonly absentDrains: readonly string[];
  /** Removed members that still have sessions. */
  readonly leaving: readonly { readonly name: string; readonly sessions: number }[];
  /** The last few hundred, oldest first. */
  readonly events: readonly (Omit<RecordedEvent, 'at'> & { readonly at: string })[];
}

/** The cluster view; empty and 0 until a member has answered. */
export interface ClusterStatus extends Omit<ClusterView, 'leader'> {
  readonly leader?: string | undefined;
  /** Since when it has been known to lead. */
  readonly leaderSince?: string | undefined;
  /** Seen since the balancer started. */
  readonly leaderChanges: number;
  /** Present while another cluster is in place of the known one: nobody gets a member until it is accepted. */
  readonly replaced?: Replaced | undefined;
}

/** Holds of what clients send while the leader is lost. Leaders are given by name. */
export interface HoldStatus {
  /** The longest possible hold; 0: holds are off. */
  readonly limitMs: number;
  /** The current hold. */
  readonly current?:
    | (Pick<CurrentHold, 'leader' | 'cause' | 'why'> & {
        readonly since: string;
        readonly forMs: number;
      })
    | undefined;
  /** The last ended hold. */
  readonly last?:
    | (Pick<EndedHold, 'leader' | 'cause' | 'end'> & {
        /** Absent while the leader is unknown. */
        readonly successor?: string | undefined;
        /** When it began. */
        readonly at: string;
        readonly durationMs: number;
      })
    | undefined;
}

export interface MemberReport {
  readonly name: string;
  readonly endpoint: string;
  /** The address of its host, where several members share the host name. */
  readonly address?: string | undefined;
  readonly checkUrl: string;
  readonly state: Health['state'];
  readonly since: string;
  /** Is it healthy and eligible? In a panic, connections may go there even if this is false. */
  readonly acceptsNew: boolean;
  /** Why it is ineligible although its checks may pass. */
  readonly unfit?: Pick<Ineligibility, 'reason' | 'detail'> | undefined;
  /** Since when it is drained by an operator, and the deadline of its sessions, if there are any. */
  readonly drain?: { readonly since: string; readonly until?: string | undefined } | undefined;
  readonly evidence?:
    | (Failure & { readonly failedChecks: number; readonly since: string })
    | undefined;
  readonly lastCheck?:
    | {
        readonly at: string;
        readonly ok: boolean;
        readonly durationMs: number;
        readonly detail?: string | undefined;
      }
    | undefined;
  /** Its last known member status; absent if it never answered. */
  readonly etcd?:
    | (Omit<MemberStatus, 'at' | 'members' | 'alarms'> & { readonly at: string })
    | undefined;
  /** Why its last status poll failed. */
  readonly unknown?: string | undefined;
  readonly sessions: number;
  readonly sessionsOpened: number;
  readonly sessionsEnded: Readonly<Record<EndReason, number>>;
  readonly bytesFromClients: number;
  readonly bytesFromMember: number;
  /** Absent where calls are not followed. */
  readonly calls?:
    | {
        readonly total: number;
        readonly inFlight: number;
        /** Calls in flight, and open streams such as watches. */
        readonly streams: number;
      }
    | undefined;
}

/** What does not change while the balancer runs. */
export type Identity = Pick<
  Status,
  'name' | 'host' | 'version' | 'node' | 'pid' | 'startedAt' | 'listen' | 'configFile' | 'copier'
>;

export interface StatusSources {
  readonly snapshots: () => SnapshotView | undefined;
  readonly identity: Identity;
  /** The name of the policy. */
  readonly policy: () => string;
  /** Those in use at `now`, ms since the epoch. */
  readonly certificates: (now: number) => readonly CertificateInUse[];
  readonly reload: () => ReloadHistory;
  readonly members: () => readonly Member[];
  readonly memberDrains: Pick<MemberDrains, 'leaving' | 'deadlineOf'>;
  readonly drains: Pick<Drains, 'all' | 'of'>;
  readonly monitor: Monitor;
  readonly cluster: Cluster;
  readonly hold: () => HoldView;
  readonly proxy: DataPath;
  readonly events: () => readonly RecordedEvent[];
  readonly stopping: () => boolean;
}

/** Takes the status. Walks the open sessions once. */
export function takeStatus(sources: StatusSources): Status {
  const { identity, memberDrains, drains, monitor, proxy, cluster, events, stopping } = sources;
  const members = sources.members();
  const now = Date.now();
  return {
    ...identity,
    policy: sources.policy(),
    mode: monitor.table.mode,
    stopping: stopping(),
    sessions: proxy.sessions.count,
    waitingClients: proxy.waiting,
    maxConnections: proxy.maxConnections,
    rejectedClients: rejectedClients(proxy.totals),
    failovers: proxy.totals.failovers,
    certificates: sources.certificates(now).map((each) => certificateReport(each, now)),
    reload: reloadReport(sources.reload()),
    cluster: clusterStatus(cluster),
    hold: holdStatus(sources.hold(), now),
    snapshots: snapshotStatus(sources.snapshots()),
    paused: proxy.pause.asked,
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

function clusterStatus({ view, leaderSince, leaderChanges, replaced }: Cluster): ClusterStatus {
  const { leader, ...rest } = view;
  return { ...rest, leader: leader?.name, leaderSince: iso(leaderSince), leaderChanges, replaced };
}

/** @param now ms since the epoch. */
export function holdStatus({ limit, current, last }: HoldView, now: number): HoldStatus {
  return {
    limitMs: limit,
    current: current && currentHold(current, now),
    last: last && endedHold(last),
  };
}

function currentHold(
  { leader, cause, why, since }: CurrentHold,
  now: number,
): HoldStatus['current'] {
  // The clock may have been set back.
  const forMs = Math.max(0, Math.round(now - since));
  return { leader, cause, why, since: iso(since), forMs };
}

function endedHold(hold: EndedHold): HoldStatus['last'] {
  const { leader, cause, end, successor, since, duration } = hold;
  return { leader, cause, end, successor, at: iso(since), durationMs: rounded(duration) };
}

function memberStatus(member: Member, sources: StatusSources): MemberReport {
  const { proxy, drains, memberDrains } = sources;
  const { name, endpoint, address, checkUrl, health } = member;
  const { ineligibility: unfit, lastCheck: check } = member;
  const { opened, ended, bytes, calls } = proxy.sessions.totalsOf(member);
  const drain = drains.of(member);
  const deadline = memberDrains.deadlineOf(member);
  return {
    ...{ name, endpoint, address, checkUrl },
    state: health.state,
    since: iso(health.since),
    acceptsNew: serves(member),
    unfit: unfit && { reason: unfit.reason, detail: unfit.detail },
    drain: drain && {
      since: drain.since,
      until: iso(deadline === undefined ? undefined : performance.timeOrigin + deadline),
    },
    evidence: 'evidence' in health ? evidenceStatus(health.evidence) : undefined,
    lastCheck: check && {
      at: iso(check.at),
      ok: check.ok,
      durationMs: Math.round(check.duration * 10) / 10,
      detail: check.ok ? undefined : check.failure.detail,
    },
    etcd: etcdStatus(member.status),
    unknown: member.statusError,
    sessions: proxy.sessions.countOf(member),
    sessionsOpened: opened,
    sessionsEnded: ended,
    bytesFromClients: bytes.client,
    bytesFromMember: bytes.member,
    calls: proxy.follows(member)
      ? { total: calls.started, inFlight: member.calls, streams: calls.streams }
      : undefined,
  };
}

function evidenceStatus({ failure, failedChecks, since }: Evidence): MemberReport['evidence'] {
  return { ...failure, failedChecks, since: iso(since) };
}

function etcdStatus(status: MemberStatus | undefined): MemberReport['etcd'] {
  if (status === undefined) return undefined;
  const { at, members: _members, alarms: _alarms, ...etcd } = status;
  return { ...etcd, at: iso(at) };
}
