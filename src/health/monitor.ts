/**
 * The monitor: probes every member for as long as it runs, and keeps the member table.
 *
 * Owns the probes and their schedules, and writes the last checks of each member. Leaves to others the
 * rules (health.ts, routing.ts) and what is done about a change (its event `change`).
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

/** The settings that say how members are checked. */
export type CheckSettings = Pick<
  Settings,
  'checkRise' | 'checkFall' | 'checkInterval' | 'checkFastInterval' | 'checkTimeout'
>;

export interface MonitorOptions {
  /** At the start. */
  readonly members: readonly Member[];
  readonly settings: LiveSettings<CheckSettings>;
  readonly lookup: LookupFunction;
  /** For checks over https; see `ProbeOptions`. */
  readonly tls: () => MemberTls;
  readonly isSelf: (socket: Socket, port: number) => boolean;
  /** Was this process kept from running since `start` (of `performance.now()`)? */
  readonly hasStalled: (start: number) => boolean;
  /** Have clients of this member been waiting for a word from it for `bound` ms, in vain? */
  readonly isUnresponsive: (member: Member, bound: number) => boolean;
}

interface MonitorEvents {
  /** Of every finished check, after the table took it in. */
  check: [Member, CheckResult];
  /** Of every change, after the snapshot was replaced. */
  change: [TableChange];
}

/** Of each member: two minutes at one a second, for a plot of them. */
const keptChecks = 120;

/** The probes of one member, and how to end them. */
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

  /** Starts to check every member at once and goes on until `signal` aborts. Call it once. */
  start(signal: AbortSignal): void {
    this.#signal = signal;
    for (const member of this.#options.members) this.#watch(member);
  }

  /** Takes in a member that has joined. What is still heard of it once it has left is passed over. */
  add(member: Member): void {
    this.table.add(member);
    this.#watch(member);
  }

  /** Checks a member in another way than before; the state of its health stays until that says otherwise. */
  rewatch(member: Member): void {
    this.#probing.get(member)?.stop.abort();
    this.#watch(member);
  }

  /**
   * Takes in a dial that failed: the member is doubted at once, and the next check decides. What
   * this host alone is to blame for says nothing about the member and is passed over.
   */
  dialFailed(member: Member, failure: Failure): void {
    if (failure.reason === 'local' || member.gone.aborted) return;
    const sign = { ...failure, detail: `dial failed: ${failure.detail}` };
    this.table.observe(member, { kind: 'dial-failed', failure: sign }, steadyNow());
    this.checkNow(member);
  }

  /** Takes in that the leader hangs: its sessions leave at once, and it gets no more until it answers. */
  unresponsive(member: Member): void {
    if (member.gone.aborted) return;
    const failure: Failure = { reason: 'timeout', detail: 'the leader does not answer' };
    this.table.observe(member, { kind: 'unresponsive', failure }, steadyNow());
    this.checkNow(member);
  }

  /** Has a member checked at once: the data path had a bad sign of it, which decides nothing. */
  checkNow(member: Member): void {
    this.#probing.get(member)?.scheduler.probeSoon();
  }

  /** The same for every member: how the others are tells a member's failure from the cluster's. */
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
        // Who keeps clients waiting is given less time to explain itself.
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

  /** Bound on one check of a member that is unresponsive to clients that wait, ms. */
  get #unresponsiveTimeout(): number {
    const { checkTimeout, checkFastInterval } = this.#options.settings.current;
    return Math.min(checkTimeout, checkFastInterval);
  }

  #react(change: TableChange): void {
    // Who lives has its chance to say so before another passes again.
    for (const member of change.corroborated) this.#probing.get(member)?.scheduler.probeNow();
    if (change.member !== undefined && acceptsNew(change.member.from)) this.checkAllNow();
    this.emit('change', change);
  }

  #take(member: Member, result: CheckResult): void {
    const now = steadyNow();
    const at = Date.now(); // shown to people: the wall clock
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
