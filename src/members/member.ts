/**
 * A member: one object with all that is known of a place that clients can be sent to, as Envoy's Host.
 *
 *   settings, discovery ──► place, traits          membership.ts
 *   probes, dials ────────► health                 member-table.ts, monitor.ts
 *   status polls ─────────► status, eligibility    cluster.ts
 *   operators ────────────► drain                  member-table.ts
 *   sessions ─────────────► load                   proxy/
 *
 * Each fact has one writer, which its comment names; whoever picks, shows or asks reads. What follows from
 * several facts is derived when it is needed. A member that has left says so to whoever works for it.
 */
import type { LookupFunction } from 'node:net';
import { formatEndpoint } from '../config/values/endpoint.ts';
import type { Ineligibility } from '../etcd/status/eligibility.ts';
import type { MemberStatus } from '../etcd/status/member-status.ts';
import type { TimedCheck } from '../health/state/check-result.ts';
import { type CheckTimes, noCheckTimes } from '../health/state/check-times.ts';
import { type Damping, undamped } from '../health/state/damping.ts';
import { type Health, unknownHealth } from '../health/state/health.ts';
import { steadyNow } from '../lib/time/steady-now.ts';
import type { Place } from './place.ts';

/** What settings say of a member beside its place. */
export interface Traits {
  /** Scheme, host and port of its health endpoint, such as `https://10.0.0.1:2379`. */
  readonly checkUrl: string;
  /** Is that the port that clients use? Then a refused check is proof that it serves nobody. */
  readonly checksClientPort: boolean;
  /** Where its host is looked up, if not like the others. */
  readonly lookup: LookupFunction | undefined;
  /** Its share of new connections against the others'. Above 0. */
  readonly share: number;
  /** Only the lowest class with a member that serves is used. */
  readonly priority: number;
}

export class Member implements Traits {
  /** Where it is. Another mention may change its name, share and class, never the address. */
  place: Place;
  checkUrl: string;
  checksClientPort: boolean;
  readonly lookup: LookupFunction | undefined;
  share: number;
  priority: number;
  /** Has it joined those of the start? Written when it joins. */
  isNewcomer = false;

  /** The state of its health. This and the next five are written by the member table. */
  health: Health = unknownHealth(steadyNow());
  checkTimes: CheckTimes = noCheckTimes;
  /** Of failures that are over. */
  damping: Damping = undamped;
  /** Does it answer nothing, as the leader that others cannot reach either? See leader/hold.ts. */
  isUnresponsive = false;
  /** Why it must not serve although its checks may pass; see eligibility.ts. */
  ineligibility: Ineligibility | undefined;
  /** Has an operator asked for it to be drained? Then nothing new goes there, however it is. */
  isDrained = false;

  /** The last checks that have finished, oldest first. Written by the monitor. */
  checks: readonly TimedCheck[] = [];

  /** What it last said of itself, kept while it says nothing more. Written by the cluster, as the next three. */
  status: MemberStatus | undefined;
  /** Why it says nothing at this moment, as one clause; undefined when it does, or was not asked yet. */
  statusError: string | undefined;
  /** Does it lead its cluster? */
  leads = false;
  /** How long it takes to answer, ms; undefined until it has. */
  latency: number | undefined;

  /**
   * The share as it is at this moment: less while it starts slowly after a failure. Above 0. Written by slow
   * start, and in proportion when the share changes.
   */
  weight: number;
  /** Since when it starts slowly, ms of `performance.now()`; undefined while it does not. By slow start. */
  startsSlowlySince: number | undefined;

  /** Sessions open or being dialled. Kept by the data path, as the next two; read by the policies. */
  load = 0;
  /** Calls in flight, of the sessions whose calls are followed. */
  calls = 0;
  /** How long it takes to connect to it, ms, as a running mean; undefined until a dial has succeeded. */
  connectTime: number | undefined;

  readonly #leaving = new AbortController();

  constructor(place: Place, traits: Partial<Traits> = {}) {
    this.place = place;
    this.checkUrl = traits.checkUrl ?? formatEndpoint(place);
    this.checksClientPort = traits.checksClientPort ?? true;
    this.lookup = traits.lookup;
    this.share = traits.share ?? 1;
    this.priority = traits.priority ?? 0;
    this.weight = this.share;
  }

  /** Another mention of where it is, or other settings. One that starts slowly goes on to. */
  revise(place: Place, traits: Omit<Traits, 'lookup'>): void {
    this.weight *= traits.share / this.share;
    Object.assign(this, { place, ...traits });
  }

  /** Aborts when it is no member any more. Whoever works for it stops then. */
  get gone(): AbortSignal {
    return this.#leaving.signal;
  }

  /** It is no member any more. */
  leave(): void {
    this.#leaving.abort();
  }

  /** What people call it: `m0` or `10.0.0.1:2379`. Unique. */
  get name(): string {
    return this.place.name;
  }

  /** Address without brackets, or a host name. */
  get host(): string {
    return this.place.address ?? this.place.host;
  }

  get port(): number {
    return this.place.port;
  }

  /** The last that has finished; undefined before the first. */
  get lastCheck(): TimedCheck | undefined {
    return this.checks.at(-1);
  }

  /** `scheme://host:port`, as it was named. */
  get endpoint(): string {
    return formatEndpoint(this.place);
  }

  /** Do clients speak to it without TLS? */
  get isPlain(): boolean {
    return this.place.scheme === 'http';
  }

  /** Of its host, where that is a name that several members share. */
  get address(): string | undefined {
    return this.place.address;
  }
}
