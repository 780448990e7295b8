/**
 * Member changes: what follows in each room when a member joins, leaves, fails, recovers, or is drained.
 *
 *   membership ──► joined, revised, left ──┐
 *   member table ──► changed ──────────────┼──► monitor, inspector, upkeep, evictions, departures
 *   departures ──► departed ───────────────┘                └──► events, metrics
 *
 * Owns the order of it. Decides nothing: verdicts are the member table's, places are the roster's.
 */
import type { Candidate } from '../balancing/snapshot.ts';
import type { Settings } from '../config/settings.ts';
import type { Cluster } from '../etcd/cluster.ts';
import { learner } from '../etcd/eligibility.ts';
import type { StatusPoller } from '../etcd/status-poller.ts';
import { acceptsNew, isConfirmedFailure } from '../health/health.ts';
import type { TableChange } from '../health/member-table.ts';
import type { Monitor } from '../health/monitor.ts';
import type { LeaderGuard } from '../leader/guard.ts';
import type { Drains } from '../members/drains.ts';
import type { Revised } from '../members/roster.ts';
import type { CheckHistory } from '../observe/check-history.ts';
import { fitnessChanged } from '../observe/events/cluster-events.ts';
import {
  memberJoined,
  memberLeft,
  memberRenamed,
  sessionsRemoved,
} from '../observe/events/discovery-events.ts';
import type { EventBody } from '../observe/events/event-log.ts';
import { memberChanged, modeChanged, sessionsEvicted } from '../observe/events/health-events.ts';
import { drainEnded } from '../observe/events/operator-events.ts';
import type { Metrics } from '../observe/metrics/metrics.ts';
import type { Departed, Departures } from '../proxy/sessions/departures.ts';
import type { Evictions } from '../proxy/sessions/evictions.ts';
import type { Session, Sessions } from '../proxy/sessions/sessions.ts';
import type { Housekeeping } from './housekeeping.ts';
import type { Member, Membership } from './membership.ts';

export interface MemberLifecycleOptions {
  /** Those in force. */
  readonly settings: () => Settings;
  readonly membership: Membership;
  readonly monitor: Monitor;
  readonly cluster: Cluster;
  readonly inspector: StatusPoller;
  readonly guard: LeaderGuard;
  readonly upkeep: Housekeeping;
  readonly drains: Drains;
  readonly sessions: Sessions;
  readonly evictions: Evictions;
  readonly departures: Departures;
  readonly checks: CheckHistory;
  readonly metrics: Metrics;
  readonly record: (body: EventBody) => void;
}

export class MemberLifecycle {
  readonly #options: MemberLifecycleOptions;
  /** Members that have joined since the start, until they were checked. */
  readonly #newcomers = new Set<Candidate>();

  constructor(options: MemberLifecycleOptions) {
    this.#options = options;
  }

  /** A verdict, the fitness of a member, or the routing mode has changed. */
  changed(change: TableChange): void {
    const { monitor, evictions, upkeep, metrics, record } = this.#options;
    if (change.member !== undefined) this.#healthChanged(change.member);
    if (change.fitness !== undefined) {
      record(fitnessChanged(change.fitness));
      const { candidate, unfit } = change.fitness;
      if (unfit === undefined) upkeep.slowStart.begin(candidate, performance.now());
    }
    const { snapshot, mode, entries } = monitor.table;
    if (change.mode !== undefined) {
      const drained = entries.filter((entry) => entry.drained).map(({ candidate }) => candidate);
      record(modeChanged(change.mode.from, change.mode.to, drained));
    }
    for (const [member, sessions] of evictions.set(change.evict, this.#isDisproof)) {
      metrics.evicted(member);
      const health = monitor.table.health(member);
      record(sessionsEvicted(member, sessions, health, snapshot.routable, mode));
    }
  }

  /**
   * A connection that was made after a check was refused shows that the member is there again: in a panic it
   * may be dialled before its next check.
   */
  readonly #isDisproof = ({ candidate, openedAt }: Session): boolean => {
    const last = this.#options.monitor.lastCheck(candidate);
    const wasRefused = last !== undefined && !last.ok && last.failure.reason === 'refused';
    return wasRefused && openedAt > last.finishedAt;
  };

  /** A member has been added to those there are. */
  joined(member: Member): void {
    const { monitor, inspector, upkeep, metrics, record } = this.#options;
    const { candidate, place } = member;
    record(memberJoined(member, place.isLearner === true));
    this.#newcomers.add(candidate);
    upkeep.join(candidate);
    metrics.joined(candidate);
    monitor.add(member);
    if (place.isLearner) monitor.table.judge(candidate, learner);
    this.holdDrain(member);
    inspector.add(candidate);
    inspector.pollAllNow();
  }

  /** Members where they were have another name, weight or class. */
  revised(all: readonly Revised<Member>[]): void {
    const { membership, monitor, drains, checks, metrics, record } = this.#options;
    monitor.table.refresh();
    const renamed = all.filter(({ member, before }) => member.candidate.name !== before);
    // Drains first, all of them: a name may be another member's now.
    for (const { member } of renamed) void drains.rename(member.endpoint, member.candidate.name);
    for (const { member, before } of renamed) {
      const { candidate, endpoint } = member;
      record(memberRenamed(candidate, endpoint, before));
      this.holdDrain(member);
      checks.forget(before);
      metrics.joined(candidate);
      const isTaken = membership.candidates.some(({ name }) => name === before);
      if (!isTaken) void metrics.left(before);
    }
  }

  /** What an operator has asked for holds for a member that comes, or comes back. */
  holdDrain({ candidate, endpoint }: Member): void {
    const { monitor, drains } = this.#options;
    monitor.table.drain(candidate, drains.of({ name: candidate.name, endpoint }) !== undefined);
  }

  /** A member is none any more. Its sessions have the drain timeout, or no time where it had failed. */
  left({ candidate }: Member): void {
    const { settings, monitor, cluster, guard, inspector, upkeep } = this.#options;
    const { departures, record } = this.#options;
    const isGone = isConfirmedFailure(monitor.table.health(candidate));
    const timeout = isGone ? 0 : settings().drainTimeout;
    record(memberLeft(candidate, timeout));
    this.#newcomers.delete(candidate);
    inspector.remove(candidate);
    cluster.forget(candidate);
    guard.forget(candidate);
    monitor.remove(candidate);
    upkeep.leave(candidate);
    departures.begin(candidate, timeout, 'removed');
    inspector.pollAllNow();
  }

  /** The last session of a member that left, or is drained, has ended. */
  departed(candidate: Candidate, departure: Departed): void {
    const { membership, sessions, checks, metrics, record } = this.#options;
    const { reason, cut } = departure;
    if (reason === 'drained') {
      record(drainEnded(candidate, departure));
      return;
    }
    if (cut > 0) record(sessionsRemoved(candidate, cut));
    sessions.forget(candidate);
    const isSucceeded = membership.candidates.some(({ name }) => name === candidate.name);
    if (isSucceeded) return;
    checks.forget(candidate.name);
    void metrics.left(candidate.name);
  }

  #healthChanged(change: NonNullable<TableChange['member']>): void {
    const { inspector, upkeep, metrics, record } = this.#options;
    const { candidate, from, to } = change;
    record(memberChanged(change));
    metrics.stateChanged(candidate, to.state);
    const isBack = from.state === 'recovering' && from.from === 'failed';
    const isNew = from.state === 'unknown' && this.#newcomers.delete(candidate);
    if (acceptsNew(to) && (isBack || isNew)) upkeep.slowStart.begin(candidate, performance.now());
    // Whoever fails or comes back, another member may lead by now.
    inspector.pollAllNow();
  }
}
