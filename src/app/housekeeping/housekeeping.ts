/**
 * Housekeeping: work that is done a few times a second and follows from no single event.
 *
 *   tick ──► how late, a stall? ──► activity of all sessions ──► unresponsive members? probe all
 *
 *   more rarely ──► weights of members in slow start
 *               ├──► rebalancing, one step
 *               ├──► clients that never send anything
 *               ├──► remaining descriptors
 *               └──► garbage, when all sessions are idle
 *
 * Owns these parts and their order. Each is a file of its own and knows nothing of the others.
 */
import { balanced } from '../../balancing/policies/policies.ts';
import { excessesOf } from '../../balancing/rebalance.ts';
import type { SlowStart } from '../../balancing/slow-start.ts';
import type { LiveSettings } from '../../config/live-settings.ts';
import type { Settings } from '../../config/settings.ts';
import type { Monitor } from '../../health/monitor.ts';
import type { PassiveHealthChecks } from '../../health/passive.ts';
import { mayServe, serves } from '../../health/routing.ts';
import type { EventLoopStalls } from '../../lib/time/event-loop-stall.ts';
import { nextInStep } from '../../lib/time/step.ts';
import type { Tick } from '../../lib/time/ticker.ts';
import type { Member } from '../../members/member.ts';
import type { Event } from '../../observe/events/event.ts';
import { MoveThrottle } from '../../observe/events/throttle.ts';
import type { Metrics } from '../../observe/metrics/metrics.ts';
import type { DataPath } from '../../proxy/data-path.ts';
import {
  type RebalancedMember,
  Rebalancer,
  type RebalancerRules,
} from '../../proxy/sessions/rebalancer.ts';
import { Descriptors } from './descriptors.ts';
import { Garbage } from './garbage.ts';

export interface HousekeepingOptions {
  readonly settings: LiveSettings;
  /** The current members. */
  readonly members: () => readonly Member[];
  readonly monitor: Monitor;
  readonly stalls: EventLoopStalls;
  readonly passive: PassiveHealthChecks;
  readonly slowStart: SlowStart;
  readonly dataPath: Pick<DataPath, 'sessions' | 'drainer' | 'waiting' | 'closeSilent'>;
  readonly metrics: Metrics;
  readonly record: (event: Event) => void;
}

/** How long all members are probed fast once one is unresponsive, ms. */
const fastProbeTime = 1_000;
/** A session younger than this is not moved, ms: its client has only just connected. */
const movableAge = 5_000;
/** Between two ticks while sessions are active, ms. */
const busyInterval = 50;
/** The same once all sessions have been idle for `idleAfter`: waking up is most of the cost of idling. */
const idleInterval = 250;
const idleAfter = 1_000;
/** Between two runs of the rarer work, ms. */
const rareInterval = 200;
/** The share of a member's sessions that may be moved per minute. */
const movedPerMinute = 0.75;

export class Housekeeping {
  readonly #options: HousekeepingOptions;
  readonly #rebalancer: Rebalancer;
  readonly #moves: MoveThrottle;
  readonly #descriptors: Descriptors;
  readonly #garbage = new Garbage();
  #probeFastUntil = 0;
  #rareAt = 0;

  constructor(options: HousekeepingOptions) {
    const { settings, members, dataPath, record } = options;
    this.#options = options;
    this.#moves = new MoveThrottle(members, record);
    // One is inherited, though none is set.
    const observers = Math.max(1, settings.current.observe.length);
    this.#descriptors = new Descriptors(record, observers);
    const rules = (): RebalancerRules => {
      const { balance, rebalance, maxSessionAge: maxAge } = settings.current;
      // Another policy would not send a moved client where there is room.
      const spread = balanced.includes(balance) ? rebalance : 0;
      return { spread, perMinute: movedPerMinute, minAge: movableAge, maxAge };
    };
    this.#rebalancer = new Rebalancer(dataPath.sessions, dataPath.drainer, rules, (from) =>
      this.#moves.moved(from, performance.now()),
    );
  }

  /** Returns how long to wait until the next tick, ms. */
  tick({ now, late }: Tick): number {
    const { monitor, stalls, passive, metrics, dataPath } = this.#options;
    metrics.ticked(late);
    const hasStalled = stalls.note(late, now);
    if (hasStalled) metrics.stalled();
    passive.observe(dataPath.sessions.sample(now), now, hasStalled);
    const suspects = passive.suspects(now);
    for (const member of suspects) metrics.unresponsive(member);
    if (suspects.length > 0) this.#probeFastUntil = now + fastProbeTime;
    if (now < this.#probeFastUntil) monitor.checkAllNow();
    if (now - this.#rareAt >= rareInterval) this.#tickRarely(now);
    const isBusy = dataPath.sessions.quietFor(now) < idleAfter;
    return isBusy ? busyInterval : nextInStep(now, idleInterval) - now;
  }

  /**
   * Moves sessions until the members are even, from `now` on (ms of `performance.now()`). Returns by how many
   * each is above its share; empty when they are even already.
   */
  balance(now: number): ReadonlyMap<Member, number> {
    this.#rebalancer.balanceNow(now);
    const shares = this.#shares();
    const excesses = excessesOf(
      shares.map(({ member, weight }) => ({ sessions: member.load, weight })),
    );
    return new Map(
      shares.flatMap(({ member }, index) => {
        const excess = Math.floor(excesses[index] ?? 0);
        return excess > 0 ? [[member, excess]] : [];
      }),
    );
  }

  /** The share of each member that may serve. */
  #shares(): RebalancedMember[] {
    const { members, snapshot } = this.#options.monitor.table;
    const due = dueMembers(snapshot.routable, this.#options.settings.current.balance);
    return members.filter(mayServe).map((member) => ({
      member,
      healthy: serves(member),
      weight: due.includes(member) ? member.weight : 0,
    }));
  }

  #tickRarely(now: number): void {
    const { dataPath, slowStart, settings } = this.#options;
    this.#rareAt = now;
    const { firstByteTimeout } = settings.current;
    if (firstByteTimeout > 0) dataPath.closeSilent(now - firstByteTimeout);
    slowStart.tick(now);
    this.#rebalancer.tick(this.#shares(), now);
    this.#moves.tick(now);
    const { count, opened } = dataPath.sessions;
    const isQuiet = dataPath.sessions.quietFor(now) >= idleAfter;
    this.#descriptors.tick(dataPath.waiting + count, now);
    this.#garbage.tick(count, 2 * opened - count, isQuiet, now);
  }
}

/** The routable members that the policy sends sessions to. */
function dueMembers(routable: readonly Member[], balance: Settings['balance']): readonly Member[] {
  const leading = routable.filter(({ leads }) => leads === true);
  return balance === 'leader' && leading.length > 0 ? leading : routable;
}
