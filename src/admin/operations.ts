/**
 * Admin operations: what an operator can ask of a running balancer.
 *
 *   drain, undrain ──► drains (kept) ──► member table ──► snapshot
 *                            └─────────► member drains
 *   move leader ──► mover ──► hold  rebalance ──► rebalancer   close ──► session   log level ──► log
 *
 * Owns which operations are refused, and the warnings. api.ts receives them, other rooms carry them out;
 * the reload is app/reload/reload.ts.
 */
import { balanced } from '../balancing/policies/policies.ts';
import type { SlowStart } from '../balancing/slow-start.ts';
import type { LiveSettings } from '../config/live-settings.ts';
import type { Cluster } from '../etcd/cluster.ts';
import type { Monitor } from '../health/monitor.ts';
import { serves } from '../health/routing.ts';
import { acceptsNew } from '../health/state/health.ts';
import type { LeaderGuard } from '../leader/guard.ts';
import type { LeaderMover } from '../leader/move.ts';
import { successorOf } from '../leader/successor.ts';
import type { Drainable, Drains } from '../members/drains.ts';
import { Member } from '../members/member.ts';
import type { Event } from '../observe/events/event.ts';
import type { Log } from '../observe/log/log.ts';
import type { Drainer } from '../proxy/sessions/drainer.ts';
import type { MemberDrains } from '../proxy/sessions/member-drains.ts';
import type { Sessions } from '../proxy/sessions/sessions.ts';
import { findMember } from './find-member.ts';
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
  readonly slowStart: SlowStart;
  /** Moves sessions at `now`, ms of `performance.now()`. Returns by how many each member is above its share. */
  readonly balance: (now: number) => ReadonlyMap<Member, number>;
  readonly log: Log;
  readonly record: (event: Event) => void;
}

/** The result of a drain. */
export interface Drained {
  readonly member: string;
  readonly sessions: number;
  /** How long they may take to leave, ms. */
  readonly timeout: number;
  /** Sentences to read before the member is stopped. */
  readonly warnings: readonly string[];
}

export interface DrainOptions {
  /** How long its sessions may take to leave, ms; the setting's if undefined. */
  readonly timeout?: number | undefined;
  /** Drain even the last member that serves. */
  readonly force?: boolean | undefined;
  /** Does a leader keep its leadership? */
  readonly keepLeader?: boolean | undefined;
}

/** The result of a moved leader. */
export interface Moved {
  readonly from: string;
  readonly to: string;
  /** How long clients were held, ms. */
  readonly heldMs: number;
}

/** The result of a rebalance. */
export interface Rebalanced {
  /** By how many sessions each member is above its share. Members that are not are omitted. */
  readonly excess: Readonly<Record<string, number>>;
  /** Members in slow start, whose share is smaller until it ends. */
  readonly starting: readonly string[];
}

export class Operations {
  readonly #options: OperationsOptions;

  constructor(options: OperationsOptions) {
    this.#options = options;
  }

  /**
   * Moves the leader to the member called `who`, or else to the one that lags least. No request of a client
   * is lost. Throws `OperationRefused` for a member that cannot lead, and where etcd refuses.
   */
  async moveLeader(who?: string): Promise<Moved> {
    const { guard, mover, members, monitor, record } = this.#options;
    const leader = guard.leader ?? members().find(({ leads }) => leads);
    if (leader === undefined) throw conflict('No leader is known; see etcd-lb status.');
    const named = who === undefined ? undefined : this.#find(who, members());
    const possible = monitor.table.members.map((member) => ({
      ...{ member, serves: serves(member), status: member.status },
    }));
    const to = successorOf(leader, possible, named);
    if (to.kind === 'none') throw conflict(to.why);
    const heldMs = await mover.move(leader, to.member, to.id).catch((error: Error) => {
      throw conflict(error.message);
    });
    record({ kind: 'leader-moved', was: leader.name, leader: to.member.name, heldMs });
    return { from: leader.name, to: to.member.name, heldMs: Math.round(heldMs) };
  }

  /**
   * Gives a member no new connections, and lets its sessions leave within `timeout` ms. A second call changes
   * the timeout. A leader is moved first, unless `keepLeader` is set. Throws `OperationRefused` for an unknown
   * member, and, unless forced, for the last one that serves.
   */
  async drain(who: string, options: DrainOptions = {}): Promise<Drained> {
    const { members, monitor, drains, settings } = this.#options;
    const { timeout = settings.current.drainTimeout, force = false, keepLeader = false } = options;
    const member = this.#find(who, members());
    const others = monitor.table.members.filter((each) => each !== member);
    if (!force && !others.some(serves)) {
      throw conflict(
        `${member.name} is the last member that can be used: without it clients have nowhere to go; undrain or fix another first, or give --force.`,
      );
    }
    let leads = this.#leads(member);
    let unmoved: string | undefined;
    if (leads && !keepLeader) {
      const moved = await this.moveLeader().catch((error: Error) => error);
      leads = moved instanceof Error;
      if (moved instanceof Error) unmoved = moved.message;
    }
    // Saved first: a confirmed drain must survive whatever happens next.
    const unkept = await drains.add(member);
    if (!monitor.table.has(member)) {
      throw conflict(`${member.name} was just removed from the members.`);
    }
    const sessions = this.#beginDrain(member, timeout, unkept);
    const warnings = [unmoved, ...this.#warningsFor(member, unkept, leads)].filter(
      (each) => each !== undefined,
    );
    return { member: member.name, sessions, timeout, warnings };
  }

  /** Ends a drain, also of an absent member. Throws `OperationRefused`. */
  async undrain(who: string): Promise<{ readonly member: string; readonly warnings: string[] }> {
    const { members, monitor, drains, settings, record } = this.#options;
    const known = members().map((member) => drains.of(member));
    const absent = drains.all.filter((drain) => !known.includes(drain));
    const found = this.#find<Drainable>(who, [...members(), ...absent]);
    const { name } = found;
    if (drains.of(found) === undefined) {
      throw conflict(`${name} is not drained`);
    }
    const unkept = await drains.remove(found);
    record({ kind: 'member-undrained', member: name });
    if (found instanceof Member && monitor.table.has(found)) this.#endDrain(found);
    const isForgetful = unkept !== undefined && settings.current.stateDir !== undefined;
    const warnings = isForgetful ? [`A restart will drain ${name} again, since ${unkept}.`] : [];
    return { member: name, warnings };
  }

  /** Applies drains that another process with the same state directory was asked for. */
  followDrains(changed: readonly Drainable[]): void {
    const { monitor, drains, settings, record } = this.#options;
    for (const member of monitor.table.members) {
      const { name, endpoint } = member;
      const isMeant = changed.some((each) => each.name === name || each.endpoint === endpoint);
      const isDrained = drains.of(member) !== undefined;
      if (!isMeant || member.isDrained === isDrained) continue;
      if (isDrained) this.#beginDrain(member, settings.current.drainTimeout);
      else {
        record({ kind: 'member-undrained', member: name });
        this.#endDrain(member);
      }
    }
  }

  /**
   * Moves sessions until the members are even. Returns by how many each is above its share.
   * Throws `OperationRefused` where the policy would not send moved clients to where there is room.
   */
  rebalance(): Rebalanced {
    const { monitor, balance: balanceNow, slowStart, settings, record } = this.#options;
    const { balance } = settings.current;
    if (!balanced.includes(balance)) {
      throw conflict(
        `Under --balance ${balance} a moved client may return to the same member; rebalancing works under ${balanced.join(', ')}.`,
      );
    }
    const failing = monitor.table.members.filter((each) => !each.isDrained && !serves(each));
    if (failing.length > 0) {
      const names = failing.map(({ name }) => name).join(', ');
      throw conflict(
        `Nothing is moved while a member cannot be used: wait for ${names}, or drain it.`,
      );
    }
    const excesses = balanceNow(performance.now());
    const excess = Object.fromEntries([...excesses].map(([{ name }, number]) => [name, number]));
    if (excesses.size > 0) record({ kind: 'rebalance-asked', excess });
    return {
      excess,
      starting: slowStart.underWay.map(({ name }) => name),
    };
  }

  /** The open sessions of one member or of all, oldest first. Throws `OperationRefused`. */
  sessions(who?: string): SessionStatus[] {
    const { members, sessions } = this.#options;
    const open =
      who === undefined ? sessions.all() : [...sessions.openOn(this.#find(who, members()))];
    const now = performance.now();
    return open.sort((a, b) => a.id - b.id).map((session) => statusOf(session, now));
  }

  /** Closes a session at once; its client reconnects. Throws `OperationRefused`. */
  closeSession(id: number): void {
    const { sessions, drainer, record } = this.#options;
    const session = sessions.all().find((each) => each.id === id);
    if (session === undefined) {
      throw new OperationRefused('unknown', `There is no session ${id}; see etcd-lb sessions.`);
    }
    drainer.close([session], 'operator');
    record({ kind: 'session-closed', session: id, member: session.member.name });
  }

  /** Sets the log level until a reload or a restart. */
  setLogLevel(level: Log['level']): void {
    const { log, record } = this.#options;
    const before = log.level;
    log.level = level;
    record({ kind: 'log-level-changed', from: before, to: level });
  }

  /** Returns how many sessions must leave. */
  #beginDrain(member: Member, timeout: number, unkept?: string): number {
    const { monitor, sessions, memberDrains, record } = this.#options;
    monitor.table.drain(member, true);
    const count = sessions.countOf(member);
    record({ kind: 'member-drained', member: member.name, sessions: count, timeout, unkept });
    memberDrains.drain(member, timeout, 'drained');
    return count;
  }

  #endDrain(member: Member): void {
    const { monitor, memberDrains, slowStart } = this.#options;
    memberDrains.cancel(member);
    slowStart.begin(member, performance.now());
    monitor.table.drain(member, false);
  }

  #find<T extends Drainable>(who: string, among: readonly T[]): T {
    return findMember(who, among, (member) =>
      member instanceof Member ? member.status?.memberId : undefined,
    );
  }

  /** Does it lead, and could another member lead? */
  #leads(member: Member): boolean {
    const { guard, cluster } = this.#options;
    const leads = guard.leader === undefined ? member.leads : guard.leader === member;
    return leads && cluster.view.voters.length > 1;
  }

  /** Warnings about what an operator is likely to do next with a drained member. */
  #warningsFor(member: Member, unkept: string | undefined, leads: boolean): (string | undefined)[] {
    const { name } = member;
    const { voters, tolerance, unseenVoters } = this.#options.cluster.view;
    const isHealthy = acceptsNew(member.health);
    const isLast = isHealthy && voters.length > 1 && tolerance === 0 && unseenVoters === 0;
    return [
      unkept && `A restart of etcd-lb forgets the drain, since ${unkept}.`,
      leads
        ? `${name} leads the cluster: before you stop or defragment it, run etcd-lb move-leader, or all clients wait for an election.`
        : undefined,
      isLast
        ? `The cluster tolerates no further failure: if you stop ${name}, nothing can be written.`
        : undefined,
    ];
  }
}

/** The operation must not be done in the current state. */
function conflict(message: string): OperationRefused {
  return new OperationRefused('conflict', message);
}
