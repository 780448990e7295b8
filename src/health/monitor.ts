/**
 * The monitor: checks every member for as long as it runs, and keeps the member table.
 *
 * Owns the probes, their schedules and the last result of each. Leaves to others the rules
 * (verdict.ts, routing.ts) and what is done about a change (its `onChange`).
 */
import type { LookupFunction, Socket } from 'node:net';
import type { MemberTls } from '../certificates/certificates.ts';
import type { Failure } from '../lib/net/failure.ts';
import type { Member } from '../members/member.ts';
import { acceptsNew } from './health.ts';
import { MemberTable, type TableChange, type TableRules } from './member-table.ts';
import { type CheckResult, Probe } from './probe.ts';
import { type ProbeSchedule, ProbeScheduler } from './scheduler.ts';

export interface CheckBounds {
  /** On one check, ms. */
  readonly timeout: number;
  /** The same for a member that is silent to clients that wait, ms; at most `timeout`. */
  readonly silentTimeout: number;
}

/** What a reload can change is read when it is needed, here as in the other rooms: it may be a getter. */
export interface MonitorOptions {
  /** At the start. */
  readonly members: readonly Member[];
  readonly rules: Omit<TableRules, 'moment'>;
  readonly schedule: ProbeSchedule;
  readonly bounds: CheckBounds;
  readonly lookup: LookupFunction;
  /** For checks over https; see `ProbeOptions`. */
  readonly tls: () => MemberTls;
  readonly isSelf: (socket: Socket, port: number) => boolean;
  /** Was this process kept from running since `start` (of `performance.now()`)? */
  readonly wasStarved: (start: number) => boolean;
  /** Have clients of this member been waiting for a word from it for `bound` ms, in vain? */
  readonly isSilent: (member: Member, bound: number) => boolean;
  /** Told of every finished check, after the table took it in. */
  readonly onCheck: (member: Member, result: CheckResult) => void;
  /** Told of every change, after the snapshot was replaced. */
  readonly onChange: (change: TableChange) => void;
}

/** A second witness comes one fast check after the first, which may be a little early. */
const witnessShare = 0.9;

/** A finished check and when it finished, in ms since the epoch. */
export type TimedCheck = CheckResult & {
  readonly at: number;
  /** The same moment by `performance.now()`, ms. */
  readonly finishedAt: number;
};

export class Monitor {
  readonly table: MemberTable;
  readonly #options: MonitorOptions;
  readonly #checks = new Map<Member, ProbeScheduler>();
  readonly #watches = new Map<Member, AbortController>();
  readonly #last = new Map<Member, TimedCheck>();
  #signal: AbortSignal | undefined;

  constructor(options: MonitorOptions) {
    this.#options = options;
    const { rules, schedule } = options;
    this.table = new MemberTable(
      options.members,
      {
        get rise() {
          return rules.rise;
        },
        get fall() {
          return rules.fall;
        },
        get moment() {
          return schedule.fastInterval * witnessShare;
        },
      },
      steadyNow(),
      (change) => this.#react(change),
    );
  }

  /** Starts to check every member at once and goes on until `signal` aborts. Call it once. */
  start(signal: AbortSignal): void {
    this.#signal = signal;
    for (const member of this.#options.members) this.#watch(member, signal);
  }

  /** Takes in a member that has joined. */
  add(member: Member): void {
    this.table.add(member, steadyNow());
    if (this.#signal !== undefined) this.#watch(member, this.#signal);
  }

  /** Checks a member in another way than before; the verdict on it stays until that says otherwise. */
  rewatch(member: Member): void {
    this.#watches.get(member)?.abort();
    if (this.#signal !== undefined) this.#watch(member, this.#signal);
  }

  /** Forgets a member that has left; what is still heard of it is passed over. */
  remove(member: Member): void {
    this.#watches.get(member)?.abort();
    for (const known of [this.#watches, this.#checks, this.#last]) known.delete(member);
    this.table.remove(member);
  }

  /**
   * Takes in a dial that failed: the member is doubted at once, and the next check decides. What
   * this host alone is to blame for says nothing about the member and is passed over.
   */
  dialFailed(member: Member, failure: Failure): void {
    if (failure.reason === 'local' || !this.table.has(member)) return;
    const sign = { ...failure, detail: `dial failed: ${failure.detail}` };
    this.table.observe(member, { kind: 'dial-failed', failure: sign }, steadyNow());
    this.checkNow(member);
  }

  /** Takes in that the leader hangs: its sessions leave at once, and it gets no more until it answers. */
  unresponsive(member: Member): void {
    if (!this.table.has(member)) return;
    const failure: Failure = { reason: 'timeout', detail: 'the leader does not answer' };
    this.table.observe(member, { kind: 'unresponsive', failure }, steadyNow());
    this.checkNow(member);
  }

  /** Has a member checked at once: the data path had a bad sign of it, which decides nothing. */
  checkNow(member: Member): void {
    this.#checks.get(member)?.hurry();
  }

  /** The same for every member: how the others are tells a member's failure from the cluster's. */
  checkAllNow(): void {
    for (const checks of this.#checks.values()) checks.hurry();
  }

  /** The last finished check of a member; `undefined` before the first. */
  lastCheck(member: Member): TimedCheck | undefined {
    return this.#last.get(member);
  }

  #watch(member: Member, whole: AbortSignal): void {
    const own = new AbortController();
    const signal = AbortSignal.any([whole, own.signal]);
    this.#watches.set(member, own);
    const options = this.#options;
    const { schedule, isSilent, onCheck, tls, isSelf, wasStarved } = options;
    const lookup = member.lookup ?? this.#options.lookup;
    const probe = new Probe({ url: member.checkUrl, tls, lookup, isSelf, wasStarved });
    signal.addEventListener('abort', () => probe.close(), { once: true });
    const onAnswer = (): void => this.table.observe(member, { kind: 'answered' }, steadyNow());
    const checked = {
      // Who keeps clients waiting is given less time to explain itself.
      check: () => {
        const { timeout, silentTimeout } = options.bounds;
        return probe.check(isSilent(member, silentTimeout) ? silentTimeout : timeout, onAnswer);
      },
      report: (result: CheckResult) => {
        this.#take(member, result);
        onCheck(member, result);
      },
      isWell: () => acceptsNew(this.table.health(member)) && !this.table.undecided,
    };
    this.#checks.set(member, new ProbeScheduler(checked, schedule, signal));
  }

  #react(change: TableChange): void {
    // Who lives has its chance to say so before the next witness is heard.
    for (const member of change.witnessed) this.#checks.get(member)?.now();
    if (change.member !== undefined && acceptsNew(change.member.from)) this.checkAllNow();
    this.#options.onChange(change);
  }

  #take(member: Member, result: CheckResult): void {
    const at = steadyNow();
    this.#last.set(member, {
      ...result,
      at: Date.now(), // shown to people: the wall clock
      finishedAt: performance.now(),
    });
    if (result.ok) {
      this.table.observe(member, { kind: 'check-passed' }, at);
      return;
    }
    const { failure } = result;
    if (failure.reason === 'local') return;
    const { bounds, isSilent } = this.#options;
    const gone = failure.reason === 'refused' && member.checksClientPort;
    const silent = failure.reason === 'timeout' && isSilent(member, bounds.silentTimeout);
    const evidence = silent
      ? { ...failure, detail: `${failure.detail}, and clients wait for it in vain` }
      : failure;
    this.table.observe(
      member,
      {
        kind: 'check-failed',
        failure: evidence,
        conclusive: gone || silent,
        startedAt: at - result.duration,
      },
      at,
    );
  }
}

/** Now in ms since the epoch, but for steps of the clock: what is compared must not jump. */
function steadyNow(): number {
  return performance.timeOrigin + performance.now();
}
