/**
 * Orders: what an operator may have a running balancer do.
 *
 *   drain, undrain ──► drains (kept) ──► member table ──► snapshot
 *                            └─────────► member drains
 *   move leader ──► mover ──► hold  rebalance ──► rebalancer   close ──► session   log level ──► log
 *
 * Owns which orders are refused, and what an operator is warned of before he goes on. Leaves to others how
 * they arrive (api.ts), how each is carried out, and the reload (reload.ts).
 */

import { balanced, type Housekeeping } from '../app/housekeeping.ts';
import type { LiveSettings } from '../config/live-settings.ts';
import type { Settings } from '../config/settings.ts';
import type { Cluster } from '../etcd/cluster.ts';
import { acceptsNew } from '../health/health.ts';
import type { Monitor } from '../health/monitor.ts';
import { serves } from '../health/routing.ts';
import type { LeaderGuard } from '../leader/guard.ts';
import type { LeaderMover } from '../leader/move.ts';
import { successorOf } from '../leader/successor.ts';
import type { Drainable, Drains } from '../members/drains.ts';
import type { Member } from '../members/member.ts';
import type { EventBody } from '../observe/events/event-log.ts';
import {
  leaderMoved,
  logLevelChanged,
  memberDrained,
  memberUndrained,
  rebalanceAsked,
  sessionClosed,
} from '../observe/events/operator-events.ts';
import type { Log } from '../observe/log/log.ts';
import type { Drainer } from '../proxy/sessions/drainer.ts';
import type { MemberDrains } from '../proxy/sessions/member-drains.ts';
import type { Sessions } from '../proxy/sessions/sessions.ts';
import { type Called, findMember } from './find-member.ts';
import { OperationRefused } from './refused.ts';
import { type SessionStatus, statusOf } from './session-status.ts';

export interface OperationsOptions {
  readonly settings: LiveSettings;
  readonly members: () => readonly Member[];
  readonly monitor: Monitor;
  readonly cluster: Cluster;
  readonly sessions: Sessions;
  readonly drains: Drains;
  readonly drainer: Drainer;
  readonly memberDrains: MemberDrains;
  readonly guard: LeaderGuard;
  readonly mover: LeaderMover;
  readonly upkeep: Housekeeping;
  readonly log: Log;
  readonly record: (body: EventBody) => void;
}

/** What came of a drain; `warnings` are sentences. */
export interface Drained {
  readonly member: string;
  readonly sessions: number;
  /** For them to leave, ms. */
  readonly timeout: number;
  /** What to know before the member is stopped. */
  readonly warnings: readonly string[];
}

export interface DrainOptions {
  /** For its sessions to leave, ms; the setting's if undefined. */
  readonly timeout?: number | undefined;
  /** Also the last member that serves. */
  readonly force?: boolean | undefined;
  /** Does it go on to lead, if it does? */
  readonly keepLeader?: boolean | undefined;
}

/** What came of an order to move the leader. */
export interface Moved {
  readonly from: string;
  readonly to: string;
  /** For how long clients were held, ms. */
  readonly heldMs: number;
}

/** What came of an order to balance. */
export interface Rebalanced {
  /** By how many sessions each member is above its share; those that are not are left out. */
  readonly excess: Readonly<Record<string, number>>;
  /** Members that start slowly, whose share is smaller until they have. */
  readonly starting: readonly string[];
}

export class Operations {
  readonly #options: OperationsOptions;

  constructor(options: OperationsOptions) {
    this.#options = options;
  }

  /**
   * Has another member lead: the one called `who`, or the one that lags least. Nothing that clients ask
   * meanwhile is lost. Throws `OrderRefused` for a member that cannot lead, and where etcd refuses.
   */
  async moveLeader(who?: string): Promise<Moved> {
    const { guard, mover, record } = this.#options;
    const members = this.#called();
    const leader = guard.leader ?? members.find(({ member }) => member.leads)?.member;
    if (leader === undefined) {
      throw new OperationRefused('conflict', 'Nobody is known to lead; see etcd-lb status.');
    }
    const named = who === undefined ? undefined : findMember(who, members).member;
    const to = this.#successor(leader, named);
    const moved = await mover.move(leader, to.member, to.id).catch((error: Error) => {
      throw new OperationRefused('conflict', error.message);
    });
    record(leaderMoved(leader.name, to.member.name, moved.held));
    return { from: leader.name, to: to.member.name, heldMs: Math.round(moved.held) };
  }

  /**
   * Gives a member no new connections, and lets its sessions leave within `timeout` ms. Again: with another
   * time. A leader hands over first, unless it is to keep that. Throws `OrderRefused` for an unknown member,
   * and, unless forced, for the last one that serves.
   */
  async drain(who: string, options: DrainOptions = {}): Promise<Drained> {
    const { timeout, force = false, keepLeader = false } = options;
    const { monitor, sessions, drains, memberDrains, settings, record } = this.#options;
    const { member, ...called } = findMember(who, this.#called());
    if (!force) this.#refuseLast(member);
    const leads = this.#leads(member);
    const unmoved = leads && !keepLeader ? await this.#handOver() : undefined;
    const stillLeads = leads && (keepLeader || unmoved !== undefined);
    const time = timeout ?? settings.current.drainTimeout;
    // Kept first: what was confirmed must hold whatever happens next.
    const unkept = await drains.add(called);
    if (!monitor.table.has(member)) {
      throw new OperationRefused('conflict', `${member.name} has just ceased to be a member.`);
    }
    monitor.table.drain(member, true);
    const count = sessions.countOf(member);
    record(memberDrained(member, count, time, unkept));
    memberDrains.drain(member, time, 'drained');
    const warnings = [
      ...(unmoved === undefined ? [] : [unmoved]),
      ...this.#warningsFor(member, unkept, stillLeads),
    ];
    return { member: member.name, sessions: count, timeout: time, warnings };
  }

  /** Takes a drain back; also that of a member that is none at the moment. Throws `OrderRefused`. */
  async undrain(who: string): Promise<{ readonly member: string; readonly warnings: string[] }> {
    const { monitor, drains, memberDrains, upkeep, record } = this.#options;
    const members = this.#called();
    const absent = drains.all
      .filter((drain) => !members.some((member) => drains.of(member) === drain))
      .map(({ name, endpoint }): Called => ({ name, endpoint, id: undefined }));
    const { member, ...called } = findMember<Called & { member?: Member }>(who, [
      ...members,
      ...absent,
    ]);
    const { name } = called;
    if (drains.of(called) === undefined) {
      throw new OperationRefused('conflict', `${name} is not drained; nothing to take back`);
    }
    const unkept = await drains.remove(called);
    record(memberUndrained(name));
    if (member !== undefined && monitor.table.has(member)) {
      memberDrains.cancel(member);
      upkeep.slowStart.begin(member, performance.now());
      monitor.table.drain(member, false);
    }
    const isForgetful =
      unkept !== undefined && this.#options.settings.current.stateDir !== undefined;
    const warnings = isForgetful ? [`A restart will drain ${name} again, since ${unkept}.`] : [];
    return { member: name, warnings };
  }

  /** Does what another process with the same state directory was asked for these members. */
  followDrains(changed: readonly Drainable[]): void {
    const { monitor, sessions, drains, memberDrains, upkeep, settings, record } = this.#options;
    for (const { member, name, endpoint } of this.#called()) {
      const isMeant = changed.some((each) => each.name === name || each.endpoint === endpoint);
      const entry = monitor.table.entries.find((each) => each.member === member);
      const isDrained = drains.of({ name, endpoint }) !== undefined;
      if (!isMeant || entry === undefined || entry.drained === isDrained) continue;
      if (isDrained) {
        const timeout = settings.current.drainTimeout;
        monitor.table.drain(member, true);
        record(memberDrained(member, sessions.countOf(member), timeout, undefined));
        memberDrains.drain(member, timeout, 'drained');
      } else {
        record(memberUndrained(name));
        memberDrains.cancel(member);
        upkeep.slowStart.begin(member, performance.now());
        monitor.table.drain(member, false);
      }
    }
  }

  /**
   * Moves sessions until the members are even. Returns by how many each is above its share, by name.
   * Throws `OrderRefused` where they would not come back to where there is room.
   */
  rebalance(): Rebalanced {
    const { monitor, upkeep, settings, record } = this.#options;
    const { balance } = settings.current;
    if (!balanced.includes(balance)) {
      throw new OperationRefused(
        'conflict',
        `Under --balance ${balance} a client that is moved may come back to where it was; ${balanced.join(', ')} are those that can be rebalanced.`,
      );
    }
    const failing = monitor.table.entries.filter((entry) => !entry.drained && !serves(entry));
    if (failing.length > 0) {
      const names = failing.map(({ member }) => member.name).join(', ');
      throw new OperationRefused(
        'conflict',
        `Nothing is moved while a member is not well: wait for ${names}, or drain it.`,
      );
    }
    const excesses = upkeep.balance(performance.now());
    if (excesses.size > 0) record(rebalanceAsked(excesses));
    return {
      excess: Object.fromEntries([...excesses].map(([{ name }, excess]) => [name, excess])),
      starting: upkeep.slowStart.underWay.map(({ name }) => name),
    };
  }

  /** The open sessions, of one member or of all, the oldest first. Throws `OrderRefused`. */
  sessions(who?: string): SessionStatus[] {
    const { sessions } = this.#options;
    const open =
      who === undefined
        ? sessions.all()
        : [...sessions.openOn(findMember(who, this.#called()).member)];
    const now = performance.now();
    return open.sort((a, b) => a.id - b.id).map((session) => statusOf(session, now));
  }

  /** Closes one at once; its client comes back. Throws `OrderRefused`. */
  closeSession(id: number): void {
    const { sessions, drainer, record } = this.#options;
    const session = sessions.all().find((each) => each.id === id);
    if (session === undefined) {
      throw new OperationRefused('unknown', `There is no session ${id}; see etcd-lb sessions.`);
    }
    drainer.close([session], 'operator');
    record(sessionClosed(id, session.member));
  }

  /** Holds until a reload, or a restart. */
  setLogLevel(level: Settings['logLevel']): void {
    const { log, record } = this.#options;
    const before = log.level;
    log.level = level;
    record(logLevelChanged(before, level));
  }

  #called(): (Called & { readonly member: Member })[] {
    const { members, cluster } = this.#options;
    return members().map((member) => {
      const { name, endpoint } = member;
      return { member, name, endpoint, id: cluster.statusOf(member)?.memberId };
    });
  }

  /** Does it lead, and is there somebody else who could? */
  #leads(member: Member): boolean {
    const { guard, cluster } = this.#options;
    const leads = guard.leader === undefined ? member.leads === true : guard.leader === member;
    return leads && cluster.view.voters.length > 1;
  }

  /** Has another member lead. Returns why not where that has failed. */
  #handOver(): Promise<string | undefined> {
    return this.moveLeader().then(
      () => undefined,
      (error: Error) => error.message,
    );
  }

  /** Throws `OrderRefused` where `named` cannot lead, or, without one, nobody else can. */
  #successor(leader: Member, named: Member | undefined): { member: Member; id: string } {
    const { monitor, cluster } = this.#options;
    const result = successorOf(
      leader,
      monitor.table.entries.map((entry) => ({
        member: entry.member,
        serves: serves(entry),
        facts: cluster.statusOf(entry.member),
      })),
      named,
    );
    if (result.kind === 'found') return result;
    throw new OperationRefused('conflict', result.why);
  }

  #refuseLast(member: Member): void {
    const others = this.#options.monitor.table.entries.filter((each) => each.member !== member);
    if (others.some(serves)) return;
    throw new OperationRefused(
      'conflict',
      `${member.name} is the last member that can be used: without it clients have nowhere to go; undrain or mend another first, or give --force.`,
    );
  }

  /** What whoever drains a member is likely to do next, and should not do blindly. */
  #warningsFor(member: Member, unkept: string | undefined, leads: boolean): string[] {
    const { name } = member;
    const { cluster, monitor } = this.#options;
    const { view } = cluster;
    const isHealthy = acceptsNew(monitor.table.health(member));
    const warnings: string[] = [];
    if (unkept !== undefined)
      warnings.push(`A restart of etcd-lb forgets the drain, since ${unkept}.`);
    if (leads) {
      warnings.push(
        `${name} leads the cluster: before you stop or defragment it, run etcd-lb move-leader, or all clients wait for an election.`,
      );
    }
    const isLast = view.tolerance === 0 && view.unseenVoters === 0;
    if (view.voters.length > 1 && isHealthy && isLast) {
      warnings.push(
        `The cluster tolerates no further failure: if you stop ${name}, nothing can be written.`,
      );
    }
    return warnings;
  }
}
