/**
 * Member changes: what follows in each room when a member joins, leaves, fails, recovers, or is drained.
 *
 *   membership ──► joined, revised, left ──┐
 *   member table ──► changed ──────────────┼──► monitor, poller, slow start, member drains
 *   member drains ──► drained ─────────────┘                └──► events, metrics
 *
 * Owns the order. Decides nothing: the member table owns health states, the roster owns places.
 */
import type { SlowStart } from '../../balancing/slow-start.ts';
import type { LiveSettings } from '../../config/live-settings.ts';
import { learner } from '../../etcd/status/eligibility.ts';
import type { StatusPoller } from '../../etcd/status-poller.ts';
import type { TableChange } from '../../health/member-table.ts';
import type { Monitor } from '../../health/monitor.ts';
import { acceptsNew, isConfirmedFailure } from '../../health/state/health.ts';
import type { Drains } from '../../members/drains.ts';
import type { Member } from '../../members/member.ts';
import type { Revised } from '../../members/roster.ts';
import type { Event } from '../../observe/events/event.ts';
import type { Metrics } from '../../observe/metrics/metrics.ts';
import type { Drained, MemberDrains } from '../../proxy/sessions/member-drains.ts';
import type { Session } from '../../proxy/sessions/session.ts';
import type { Membership } from './membership.ts';

export interface MemberLifecycleOptions {
  readonly settings: LiveSettings;
  readonly membership: Pick<Membership, 'members'>;
  readonly monitor: Monitor;
  readonly poller: StatusPoller;
  readonly slowStart: SlowStart;
  readonly drains: Drains;
  readonly memberDrains: MemberDrains;
  readonly metrics: Metrics;
  readonly record: (event: Event) => void;
}

export class MemberLifecycle {
  readonly #options: MemberLifecycleOptions;

  constructor(options: MemberLifecycleOptions) {
    this.#options = options;
  }

  /** The health or the eligibility of a member, or the routing mode, has changed. */
  changed(change: TableChange): void {
    const { monitor, memberDrains, slowStart, record } = this.#options;
    if (change.member !== undefined) this.#healthChanged(change.member);
    if (change.eligibility !== undefined) {
      const { member, ineligibility } = change.eligibility;
      if (ineligibility === undefined) {
        record({ kind: 'member-fit', member: member.name });
        slowStart.begin(member, performance.now());
      } else record({ kind: 'member-unfit', member: member.name, ...ineligibility });
    }
    const { snapshot, mode, members } = monitor.table;
    if (change.mode !== undefined) {
      const drained = members.filter(({ isDrained }) => isDrained).map(({ name }) => name);
      record({ kind: 'mode-changed', ...change.mode, drained });
    }
    for (const [{ name, health }, sessions] of memberDrains.evict(change.evict, this.#isDisproof)) {
      const others = snapshot.routable.map((each) => each.name);
      record({ kind: 'sessions-evicted', member: name, sessions, health, others, mode });
    }
  }

  /**
   * A connection that was made after a refused check proves that the member runs again: in a panic a member
   * may be dialled before its next check.
   */
  readonly #isDisproof = ({ member, openedAt }: Session): boolean => {
    const last = member.lastCheck;
    const wasRefused = last !== undefined && !last.ok && last.failure.reason === 'refused';
    return wasRefused && openedAt > last.finishedAt;
  };

  /** A member has joined. */
  joined(member: Member): void {
    const { monitor, poller, record } = this.#options;
    const { name, endpoint, address, place } = member;
    const isLearner = place.isLearner === true;
    record({ kind: 'member-joined', member: name, endpoint, address, isLearner });
    member.isNewcomer = true;
    monitor.add(member);
    if (isLearner) monitor.table.setEligibility(member, learner);
    this.applyDrain(member);
    poller.add(member);
    poller.pollAllNow();
  }

  /** Members have another name, weight or priority class at the same place. */
  revised(all: readonly Revised<Member>[]): void {
    const { membership, monitor, drains, metrics, record } = this.#options;
    monitor.table.refresh();
    const renamed = all.filter(({ member, before }) => member.name !== before);
    // All drains first: a name may belong to another member now.
    for (const { member } of renamed) void drains.rename(member.endpoint, member.name);
    for (const { member, before } of renamed) {
      record({ kind: 'member-renamed', member: member.name, before, endpoint: member.endpoint });
      this.applyDrain(member);
      const isTaken = membership.members.some(({ name }) => name === before);
      if (!isTaken) void metrics.left(before);
    }
  }

  /** Applies the saved drain to a member that joins or comes back. */
  applyDrain(member: Member): void {
    const { monitor, drains } = this.#options;
    monitor.table.drain(member, drains.of(member) !== undefined);
  }

  /** A member was removed. Its sessions get the drain timeout, or no time if it had failed. */
  left(member: Member): void {
    const { settings, poller, memberDrains, record } = this.#options;
    const timeout = isConfirmedFailure(member.health) ? 0 : settings.current.drainTimeout;
    record({ kind: 'member-left', member: member.name, sessions: member.load, timeout });
    member.leave();
    memberDrains.drain(member, timeout, 'removed');
    poller.pollAllNow();
  }

  /** The last session of a removed or drained member has ended. */
  drained(member: Member, { reason, sessions, cut }: Drained): void {
    const { membership, metrics, record } = this.#options;
    const { name } = member;
    if (reason === 'drained') {
      record({ kind: 'drain-ended', member: name, sessions, cut });
      return;
    }
    if (cut > 0) record({ kind: 'sessions-removed', member: name, sessions: cut });
    if (!membership.members.some((each) => each.name === name)) void metrics.left(name);
  }

  #healthChanged(change: NonNullable<TableChange['member']>): void {
    const { poller, slowStart, record } = this.#options;
    const { member, from, to, hold } = change;
    record({ kind: 'member-changed', member: member.name, from, to, hold });
    const isBack = from.state === 'recovering' && from.from === 'failed';
    const isNew = from.state === 'unknown' && member.isNewcomer;
    if (acceptsNew(to) && (isBack || isNew)) slowStart.begin(member, performance.now());
    // After a failure or a recovery another member may lead.
    poller.pollAllNow();
  }
}
