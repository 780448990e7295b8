/**
 * The monitor probes every member and keeps the member table up to date.
 *
 * Owns the probes and their schedulers, and writes the last checks of each member. The rules are in health.ts
 * and routing.ts. Listeners of the event `change` decide what follows from a change.
 */
import { EventEmitter } from 'node:events';
import type { LookupFunction, Socket } from 'node:net';
import type { MemberTls } from '../certificates/certificates.ts';
import type { LiveSettings } from '../config/live-settings.ts';
import type { Settings } from '../config/settings.ts';
import type { Failure } from '../lib/net/failure.ts';
import { steadyNow } from '../lib/time/steady-now.ts';
import type { Member } from '../members/member.ts';
import { MemberTable, type TableChange } from './member-table.ts';
import { Probe } from './probe.ts';
import { ProbeScheduler } from './scheduler.ts';
import type { CheckResult } from './state/check-result.ts';
import { acceptsNew } from './state/health.ts';

/** The settings for the checks. */
export type CheckSettings = Pick<
  Settings,
  'checkRise' | 'checkFall' | 'checkInterval' | 'checkFastInterval' | 'checkTimeout'
>;

export interface MonitorOptions {
  /** The initial members. */
  readonly members: readonly Member[];
  readonly settings: LiveSettings<CheckSettings>;
  readonly lookup: LookupFunction;
  /** For probes over https; see `ProbeOptions`. */
  readonly tls: () => MemberTls;
  readonly isSelf: (socket: Socket, port: number) => boolean;
  /** Has the event loop stalled since `start` (of `performance.now()`)? */
  readonly hasStalled: (start: number) => boolean;
  /** Have clients of this member been waiting for an answer for `bound` ms? See passive.ts. */
  readonly isUnresponsive: (member: Member, bound: number) => boolean;
}

interface MonitorEvents {
  /** A check has finished and was applied to the table. */
  check: [Member, CheckResult];
  /** The table has changed and the snapshot is replaced. */
  change: [TableChange];
}

/** Checks that are kept per member, for a plot: two minutes at one per second. */
const keptChecks = 120;

/** The scheduler of one member, and how to stop it. */
interface Probing {
  readonly scheduler: ProbeScheduler;
  readonly stop: AbortController;
}

export class Monitor extends EventEmitter<MonitorEvents> {
  readonly table: MemberTable;
  readonly #options: MonitorOptions;
  readonly #probing = new Map<Member, Probing>();
  #signal: AbortSignal | undefined;

  constructor(options: MonitorOptions) {
    super();
    const { members, settings } = options;
    this.#options = options;
    this.table = new MemberTable(members, settings, (change) => this.#react(change));
  }

  /** Probes every member at once, and then until `signal` aborts. Call it once. */
  start(signal: AbortSignal): void {
    this.#signal = signal;
    for (const member of this.#options.members) this.#watch(member);
  }

  /** Adds a member that has joined. Results that arrive after it has left are ignored. */
  add(member: Member): void {
    this.table.add(member);
    this.#watch(member);
  }

  /** Probes a member with changed settings. Its health state stays until a result changes it. */
  rewatch(member: Member): void {
    this.#probing.get(member)?.stop.abort();
    this.#watch(member);
  }

  /**
   * Reports a failed dial: the member becomes suspect at once, and the next check decides. A failure that
   * this host alone caused is ignored.
   */
  dialFailed(member: Member, failure: Failure): void {
    if (failure.reason === 'local' || member.gone.aborted) return;
    const sign = { ...failure, detail: `dial failed: ${failure.detail}` };
    this.table.observe(member, { kind: 'dial-failed', failure: sign }, steadyNow());
    this.checkNow(member);
  }

  /** Reports that the leader hangs: its sessions leave at once, and it gets no new ones until it answers. */
  unresponsive(member: Member): void {
    if (member.gone.aborted) return;
    const failure: Failure = { reason: 'timeout', detail: 'the leader does not answer' };
    this.table.observe(member, { kind: 'unresponsive', failure }, steadyNow());
    this.checkNow(member);
  }

  /** Probes a member soon: the data path has a bad sign of it, which is no proof. */
  checkNow(member: Member): void {
    this.#probing.get(member)?.scheduler.probeSoon();
  }

  /** Probes every member soon: the others show whether one member has failed or the whole cluster. */
  checkAllNow(): void {
    for (const { scheduler } of this.#probing.values()) scheduler.probeSoon();
  }

  #watch(member: Member): void {
    if (this.#signal === undefined || this.#signal.aborted) return;
    const stop = new AbortController();
    const signal = AbortSignal.any([this.#signal, member.gone, stop.signal]);
    const { settings, lookup, tls, isSelf, hasStalled, isUnresponsive } = this.#options;
    const probe = new Probe({
      ...{ url: member.checkUrl, tls, isSelf, hasStalled },
      lookup: member.lookup ?? lookup,
    });
    const onAnswer = (): void => this.table.observe(member, { kind: 'answered' }, steadyNow());
    const scheduler = new ProbeScheduler(
      {
        // A member that keeps clients waiting gets less time to answer.
        probe: () => {
          const bound = this.#unresponsiveTimeout;
          const timeout = isUnresponsive(member, bound) ? bound : settings.current.checkTimeout;
          return probe.check(timeout, onAnswer);
        },
        report: (result) => {
          this.#take(member, result);
          this.emit('check', member, result);
        },
        isWell: () => acceptsNew(member.health) && !this.table.isUndecided,
      },
      settings,
      signal,
    );
    this.#probing.set(member, { scheduler, stop });
    const onStop = (): void => {
      this.#probing.delete(member);
      probe.close();
    };
    signal.addEventListener('abort', onStop, { once: true });
  }

  /** Bound on one check of a member that keeps clients waiting, ms. */
  get #unresponsiveTimeout(): number {
    const { checkTimeout, checkFastInterval } = this.#options.settings.current;
    return Math.min(checkTimeout, checkFastInterval);
  }

  #react(change: TableChange): void {
    // A member that runs gets a chance to pass before another one passes again.
    for (const member of change.corroborated) this.#probing.get(member)?.scheduler.probeNow();
    if (change.member !== undefined && acceptsNew(change.member.from)) this.checkAllNow();
    this.emit('change', change);
  }

  #take(member: Member, result: CheckResult): void {
    const now = steadyNow();
    const at = Date.now(); // the wall clock, for display
    const check = { ...result, at, finishedAt: performance.now() };
    member.checks = [...member.checks, check].slice(-keptChecks);
    if (result.ok) {
      this.table.observe(member, { kind: 'check-passed' }, now);
      return;
    }
    const { failure } = result;
    if (failure.reason === 'local') return;
    const gone = failure.reason === 'refused' && member.checksClientPort;
    const unresponsive =
      failure.reason === 'timeout' &&
      this.#options.isUnresponsive(member, this.#unresponsiveTimeout);
    const evidence = unresponsive
      ? { ...failure, detail: `${failure.detail}, and clients wait for it in vain` }
      : failure;
    this.table.observe(
      member,
      {
        kind: 'check-failed',
        failure: evidence,
        conclusive: gone || unresponsive,
        startedAt: now - result.duration,
      },
      now,
    );
  }
}
