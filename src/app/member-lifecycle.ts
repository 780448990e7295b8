/**
 * Member changes: what follows in each room when a member joins, leaves, fails, recovers, or is drained.
 *
 *   membership ──► joined, revised, left ──┐
 *   member table ──► changed ──────────────┼──► monitor, inspector, upkeep, evictions, departures
 *   departures ──► departed ───────────────┘                └──► events, metrics
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
import type { Event } from '../observe/events/event.ts';
import type { Metrics } from '../observe/metrics/metrics.ts';
import type { Departed, Departures } from '../proxy/sessions/departures.ts';
import type { Evictions } from '../proxy/sessions/evictions.ts';
import type { Session, Sessions } from '../proxy/sessions/sessions.ts';
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
  readonly sessions: Sessions;
  readonly evictions: Evictions;
  readonly departures: Departures;
  readonly checks: CheckHistory;
  readonly metrics: Metrics;
  readonly record: (event: Event) => void;
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
    const { monitor, evictions, upkeep, record } = this.#options;
    if (change.member !== undefined) this.#healthChanged(change.member);
    if (change.fitness !== undefined) {
      const { member, unfit } = change.fitness;
      if (unfit === undefined) {
        record({ kind: 'member-fit', member: member.name });
        upkeep.slowStart.begin(member, performance.now());
      } else record({ kind: 'member-unfit', member: member.name, ...unfit });
    }
    const { snapshot, mode, entries } = monitor.table;
    if (change.mode !== undefined) {
      const drained = entries.filter((entry) => entry.drained).map(({ member }) => member.name);
      record({ kind: 'mode-changed', ...change.mode, drained });
    }
    for (const [member, sessions] of evictions.set(change.evict, this.#isDisproof)) {
      const health = monitor.table.health(member);
      const others = snapshot.routable.map(({ name }) => name);
      record({ kind: 'sessions-evicted', member: member.name, sessions, health, others, mode });
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
    const { monitor, inspector, upkeep, record } = this.#options;
    const { name, endpoint, address, place } = member;
    const isLearner = place.isLearner === true;
    record({ kind: 'member-joined', member: name, endpoint, address, isLearner });
    this.#newcomers.add(member);
    upkeep.join(member);
    monitor.add(member);
    if (isLearner) monitor.table.judge(member, learner);
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
      record({ kind: 'member-renamed', member: member.name, before, endpoint: member.endpoint });
      this.holdDrain(member);
      checks.forget(before);
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
    const { departures, record } = this.#options;
    const isGone = isConfirmedFailure(monitor.table.health(member));
    const timeout = isGone ? 0 : settings.current.drainTimeout;
    record({ kind: 'member-left', member: member.name, sessions: member.load, timeout });
    this.#newcomers.delete(member);
    inspector.remove(member);
    cluster.forget(member);
    guard.forget(member);
    monitor.remove(member);
    upkeep.leave(member);
    departures.begin(member, timeout, 'removed');
    inspector.pollAllNow();
  }

  /** The last session of a member that left, or is drained, has ended. */
  departed(member: Member, departure: Departed): void {
    const { membership, sessions, checks, metrics, record } = this.#options;
    const { reason, cut } = departure;
    const { name } = member;
    if (reason === 'drained') {
      record({ kind: 'drain-ended', member: name, sessions: departure.sessions, cut });
      return;
    }
    if (cut > 0) record({ kind: 'sessions-removed', member: name, sessions: cut });
    sessions.forget(member);
    const isSucceeded = membership.members.some((each) => each.name === name);
    if (isSucceeded) return;
    checks.forget(name);
    void metrics.left(name);
  }

  #healthChanged(change: NonNullable<TableChange['member']>): void {
    const { inspector, upkeep, record } = this.#options;
    const { member, from, to, hold } = change;
    record({ kind: 'member-changed', member: member.name, from, to, hold });
    const isBack = from.state === 'recovering' && from.from === 'failed';
    const isNew = from.state === 'unknown' && this.#newcomers.delete(member);
    if (acceptsNew(to) && (isBack || isNew)) upkeep.slowStart.begin(member, performance.now());
    // Whoever fails or comes back, another member may lead by now.
    inspector.pollAllNow();
  }
}
