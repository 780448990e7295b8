/**
 * A member: one object with all that is known of one etcd member, like Envoy's Host.
 *
 *   settings, discovery ──► place, traits          membership.ts
 *   probes, dials ────────► health                 member-table.ts, monitor.ts
 *   status polls ─────────► status, eligibility    cluster.ts
 *   operators ────────────► drain                  member-table.ts
 *   sessions ─────────────► load                   proxy/
 *
 * Each field has one writer, which its comment names; everybody else reads. What follows from several fields is
 * derived on demand. The signal `gone` tells everybody that the member was removed.
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

/** The settings of a member, apart from its place. */
export interface Traits {
  /** Scheme, host and port of its health endpoint, such as `https://10.0.0.1:2379`. */
  readonly checkUrl: string;
  /** Is that the client port? Then a refused check proves that the member serves nobody. */
  readonly checksClientPort: boolean;
  /** Looks up its host, if not as for other members. */
  readonly lookup: LookupFunction | undefined;
  /** Its share of new connections in relation to the others. Above 0. */
  readonly share: number;
  /** Only the lowest priority with a serving member is used. */
  readonly priority: number;
}

export class Member implements Traits {
  /** Where it is. `revise` may change its name, share and priority, never the address. */
  place: Place;
  checkUrl: string;
  checksClientPort: boolean;
  readonly lookup: LookupFunction | undefined;
  share: number;
  priority: number;
  /** Has it joined after the start? Written when it joins. */
  isNewcomer = false;

  /** Its health state. The member table writes this and the next five. */
  health: Health = unknownHealth(steadyNow());
  checkTimes: CheckTimes = noCheckTimes;
  /** Its recent failures. */
  damping: Damping = undamped;
  /** Is it the leader, and answers neither us nor the other members? See leader/hold.ts. */
  isUnresponsive = false;
  /** Why it must not serve although its checks may pass; see eligibility.ts. */
  ineligibility: Ineligibility | undefined;
  /** Has an operator drained it? Then it gets no new connections, whatever its health. */
  isDrained = false;

  /** The last finished checks, oldest first. Written by the monitor. */
  checks: readonly TimedCheck[] = [];

  /** Its last status, kept while it does not answer. The cluster writes this and the next three. */
  status: MemberStatus | undefined;
  /** Why its last poll failed, as one clause; undefined if it did not, or it was not polled yet. */
  statusError: string | undefined;
  /** Does it lead its cluster? */
  leads = false;
  /** How long its answers take, ms; undefined before the first. */
  latency: number | undefined;

  /**
   * The current share: less during a slow start. Above 0. Written by slow start, and scaled when the share
   * changes.
   */
  weight: number;
  /** Since when its slow start lasts, ms of `performance.now()`; undefined for none. Written by slow start. */
  startsSlowlySince: number | undefined;

  /** Sessions open or being dialled. The data path writes this and the next two; policies read them. */
  load = 0;
  /** Calls in flight, in sessions whose calls are followed. */
  calls = 0;
  /** How long it takes to connect to it, ms, as a running mean; undefined before the first successful dial. */
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

  /** Sets a changed name or changed settings. A slow start goes on. */
  revise(place: Place, traits: Omit<Traits, 'lookup'>): void {
    this.weight *= traits.share / this.share;
    Object.assign(this, { place, ...traits });
  }

  /** Aborts when the member is removed. All work for it stops then. */
  get gone(): AbortSignal {
    return this.#leaving.signal;
  }

  /** Marks the member as removed. */
  leave(): void {
    this.#leaving.abort();
  }

  /** Its name for people, such as `m0` or `10.0.0.1:2379`. Unique. */
  get name(): string {
    return this.place.name;
  }

  /** An address without brackets, or a host name. */
  get host(): string {
    return this.place.address ?? this.place.host;
  }

  get port(): number {
    return this.place.port;
  }

  /** The last finished check; undefined before the first. */
  get lastCheck(): TimedCheck | undefined {
    return this.checks.at(-1);
  }

  /** `scheme://host:port`, as it was named. */
  get endpoint(): string {
    return formatEndpoint(this.place);
  }

  /** Does it serve clients without TLS? */
  get isPlain(): boolean {
    return this.place.scheme === 'http';
  }

  /** Its address, if several members share its host name. */
  get address(): string | undefined {
    return this.place.address;
  }
}
