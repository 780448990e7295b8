/**
 * Member changes: what follows in each room when a member joins, leaves, fails, recovers, or is drained.
 *
 *   membership ──► joined, revised, left ──┐
 *   member table ──► changed ──────────────┼──► monitor, inspector, upkeep, member drains
 *   member drains ──► drained ─────────────┘                └──► events, metrics
 *
 * Owns the order of it. Decides nothing: verdicts are the member table's, places are the roster's.
 */

import type { LiveSettings } from '../config/live-settings.ts';
import type { Cluster } from '../etcd/cluster.ts';
import { learner } from '../etcd/eligibility.ts';
import type { StatusPoller } from '../etcd/status-poller.ts';
import { acceptsNew, isConfirmedFailure } from '../health/health.ts';
import type { TableChange } from '../health/member-table.ts';
import type { Monitor } from '../health/monitor.ts';
import type { LeaderGuard } from '../leader/guard.ts';
import type { Drains } from '../members/drains.ts';
import type { Member } from '../members/member.ts';
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
import type { Drained, MemberDrains } from '../proxy/sessions/member-drains.ts';
import type { Session } from '../proxy/sessions/session.ts';
import type { Housekeeping } from './housekeeping.ts';
import type { Membership } from './membership.ts';

export interface MemberLifecycleOptions {
  /** Those in force. */
  readonly settings: LiveSettings;
  readonly membership: Membership;
  readonly monitor: Monitor;
  readonly cluster: Cluster;
  readonly inspector: StatusPoller;
  readonly guard: LeaderGuard;
  readonly upkeep: Housekeeping;
  readonly drains: Drains;
  readonly memberDrains: MemberDrains;
  readonly checks: CheckHistory;
  readonly metrics: Metrics;
  readonly record: (body: EventBody) => void;
}

export class MemberLifecycle {
  readonly #options: MemberLifecycleOptions;
  /** Members that have joined since the start, until they were checked. */
  readonly #newcomers = new Set<Member>();

  constructor(options: MemberLifecycleOptions) {
    this.#options = options;
  }

  /** A verdict, the fitness of a member, or the routing mode has changed. */
  changed(change: TableChange): void {
    const { monitor, memberDrains, upkeep, metrics, record } = this.#options;
    if (change.member !== undefined) this.#healthChanged(change.member);
    if (change.fitness !== undefined) {
      record(fitnessChanged(change.fitness));
      const { member, unfit } = change.fitness;
      if (unfit === undefined) upkeep.slowStart.begin(member, performance.now());
    }
    const { snapshot, mode, entries } = monitor.table;
    if (change.mode !== undefined) {
      const drained = entries.filter((entry) => entry.drained).map(({ member }) => member);
      record(modeChanged(change.mode.from, change.mode.to, drained));
    }
    for (const [member, sessions] of memberDrains.evict(change.evict, this.#isDisproof)) {
      metrics.evicted(member);
      const health = monitor.table.health(member);
      record(sessionsEvicted(member, sessions, health, snapshot.routable, mode));
    }
  }

  /**
   * A connection that was made after a check was refused shows that the member is there again: in a panic it
   * may be dialled before its next check.
   */
  readonly #isDisproof = ({ member, openedAt }: Session): boolean => {
    const last = this.#options.monitor.lastCheck(member);
    const wasRefused = last !== undefined && !last.ok && last.failure.reason === 'refused';
    return wasRefused && openedAt > last.finishedAt;
  };

  /** A member has been added to those there are. */
  joined(member: Member): void {
    const { monitor, inspector, metrics, record } = this.#options;
    record(memberJoined(member));
    this.#newcomers.add(member);
    metrics.joined(member);
    monitor.add(member);
    if (member.place.isLearner) monitor.table.judge(member, learner);
    this.holdDrain(member);
    inspector.add(member);
    inspector.pollAllNow();
  }

  /** Members where they were have another name, weight or class. */
  revised(all: readonly Revised<Member>[]): void {
    const { membership, monitor, drains, checks, metrics, record } = this.#options;
    monitor.table.refresh();
    const renamed = all.filter(({ member, before }) => member.name !== before);
    // Drains first, all of them: a name may be another member's now.
    for (const { member } of renamed) void drains.rename(member.endpoint, member.name);
    for (const { member, before } of renamed) {
      record(memberRenamed(member, before));
      this.holdDrain(member);
      checks.forget(before);
      metrics.joined(member);
      const isTaken = membership.members.some(({ name }) => name === before);
      if (!isTaken) void metrics.left(before);
    }
  }

  /** What an operator has asked for holds for a member that comes, or comes back. */
  holdDrain(member: Member): void {
    const { monitor, drains } = this.#options;
    monitor.table.drain(member, drains.of(member) !== undefined);
  }

  /** A member is none any more. Its sessions have the drain timeout, or no time where it had failed. */
  left(member: Member): void {
    const { settings, monitor, cluster, guard, inspector, upkeep } = this.#options;
    const { memberDrains, record } = this.#options;
    const isGone = isConfirmedFailure(monitor.table.health(member));
    const timeout = isGone ? 0 : settings.current.drainTimeout;
    record(memberLeft(member, timeout));
    this.#newcomers.delete(member);
    inspector.remove(member);
    cluster.forget(member);
    guard.forget(member);
    monitor.remove(member);
    upkeep.slowStart.forget(member);
    memberDrains.drain(member, timeout, 'removed');
    inspector.pollAllNow();
  }

  /** The last session of a member that left, or is drained, has ended. */
  drained(member: Member, drained: Drained): void {
    const { membership, checks, metrics, record } = this.#options;
    const { reason, cut } = drained;
    if (reason === 'drained') {
      record(drainEnded(member, drained));
      return;
    }
    if (cut > 0) record(sessionsRemoved(member, cut));
    const isSucceeded = membership.members.some(({ name }) => name === member.name);
    if (isSucceeded) return;
    checks.forget(member.name);
    void metrics.left(member.name);
  }

  #healthChanged(change: NonNullable<TableChange['member']>): void {
    const { inspector, upkeep, metrics, record } = this.#options;
    const { member, from, to } = change;
    record(memberChanged(change));
    metrics.stateChanged(member, to.state);
    const isBack = from.state === 'recovering' && from.from === 'failed';
    const isNew = from.state === 'unknown' && this.#newcomers.delete(member);
    if (acceptsNew(to) && (isBack || isNew)) upkeep.slowStart.begin(member, performance.now());
    // Whoever fails or comes back, another member may lead by now.
    inspector.pollAllNow();
  }
}
