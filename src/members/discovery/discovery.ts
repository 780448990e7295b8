/**
 * Discovery asks the sources of members and publishes the members that follow from them (resolve.ts).
 *
 * Owns the sources, and when each is asked. A source that fails, names no member, or names more than a cluster
 * can have, changes nothing. app/members/ reacts to members that join or leave.
 */

import type { Endpoint, Scheme } from '../../config/values/endpoint.ts';
import { Condition } from '../../lib/condition.ts';
import type { DnsChange } from '../../lib/net/dns-cache.ts';
import { poll } from '../../lib/time/poll.ts';
import { nextInStep } from '../../lib/time/step.ts';
import type { Place } from '../place.ts';
import { Addresses } from './addresses.ts';
import { type DiscoveryChange, tooMany } from './change.ts';
import type { Misadvertised } from './plan.ts';
import { mostOf, resolve, type Sources, seedsOf } from './resolve.ts';
import { SavedMembers } from './saved-members.ts';
import { findSrvMembers } from './srv.ts';
import type { Dns } from './system-dns.ts';

/** `endpoints` are the initial ones. */
export interface DiscoveryOptions extends Pick<Sources, 'endpoints' | 'followsCluster'> {
  /** The domain whose SRV records name members. */
  readonly srvDomain?: string | undefined;
  /** The schemes of members. SRV records count for the first scheme that has any, saved members for all. */
  readonly schemes: readonly Scheme[];
  /** The directory in which the members are saved; absent if they are not saved. */
  readonly stateDir?: string | undefined;
  readonly dns: Dns;
  /** The current members. */
  readonly known: () => Sources['known'];
  /** The member list of one that just passed a linearizable read; empty if none did. */
  readonly list: () => Sources['list'];
  /** Sets the members. */
  readonly onPlaces: (places: readonly Place[]) => void;
  readonly onChange: (change: DiscoveryChange) => void;
  readonly onNameChange: (change: DnsChange) => void;
}

/** Between two look-ups of SRV records, ms: Node does not provide their time to live. */
const srvInterval = 10_000;
/**
 * A member that is unused because of its advertised URLs is reported after this long, ms: it may be one of the
 * seeds whose identity is not known yet, and etcd takes many seconds to start.
 */
const misadvertisedAfter = 30_000;

export class Discovery {
  readonly #options: DiscoveryOptions;
  readonly #addresses: Addresses;
  readonly #saved: SavedMembers | undefined;
  #sources: Sources;
  readonly #tell = (change: DiscoveryChange): void => this.#options.onChange(change);
  readonly #srvFailing = new Condition(this.#tell);
  readonly #excess = new Condition(this.#tell);
  /** By what is reported of each, as JSON. */
  readonly #misadvertised = new Map<string, Condition<DiscoveryChange>>();
  #stopped = false;

  /** Asks no source yet. Throws `SettingError` if the state directory cannot be made. */
  constructor(options: DiscoveryOptions) {
    const { endpoints, followsCluster, stateDir, dns, onNameChange } = options;
    this.#options = options;
    this.#addresses = new Addresses({
      ...dns,
      onChange: () => this.#update({}),
      onFailure: onNameChange,
      onExcess: this.#tell,
    });
    this.#saved = stateDir === undefined ? undefined : new SavedMembers(stateDir, this.#tell);
    this.#sources = {
      ...{ endpoints, followsCluster, saved: [], list: [], known: [] },
      addressesOf: (host) => this.#addresses.of(host),
    };
  }

  /** Reads the state directory. Returns the initial members, before any source was asked; possibly none. */
  begin(): readonly Place[] {
    const { schemes, endpoints } = this.#options;
    const places = this.#saved?.load(schemes, mostOf(endpoints)) ?? [];
    this.#sources = { ...this.#sources, saved: places };
    return seedsOf(this.#sources);
  }

  /** Asks all sources repeatedly until `signal` aborts. Call it once, after `begin`. */
  start(signal: AbortSignal): void {
    signal.addEventListener('abort', () => this.#stop(), { once: true });
    this.#update({});
    const { srvDomain } = this.#options;
    if (srvDomain !== undefined) poll(() => this.#askSrv(srvDomain), signal);
  }

  /** Sets newly configured endpoints. The cluster's list still takes precedence. */
  configure(endpoints: readonly Endpoint[]): void {
    this.#update({ endpoints });
  }

  /** Reads the cluster's list again, after a new member status. */
  consider(): void {
    if (this.#options.followsCluster) this.#update({});
  }

  #update(said: Partial<Sources>): void {
    if (this.#stopped) return;
    const { followsCluster, known, list, onPlaces } = this.#options;
    const cluster = followsCluster && { list: list(), known: known() };
    this.#sources = { ...this.#sources, ...said, ...cluster };
    const { endpoints, srv = [] } = this.#sources;
    this.#addresses.watch([...endpoints, ...srv].map(({ host }) => host));
    const resolution = resolve(this.#sources, performance.now());
    const { places, listed, misadvertised, most, areTooMany, isLive } = resolution;
    this.#sources = { ...this.#sources, listed };
    if (misadvertised !== undefined) this.#tellOf(misadvertised);
    const excess = { source: 'discovery', found: places.length, most };
    this.#excess.set(areTooMany, tooMany(areTooMany, excess));
    if (areTooMany) return;
    onPlaces(places);
    if (isLive) void this.#saved?.save(places);
  }

  #tellOf(misadvertised: readonly Misadvertised[]): void {
    const members = new Map(misadvertised.map((member) => [JSON.stringify(member), member]));
    for (const [key, condition] of this.#misadvertised) {
      if (members.has(key)) continue;
      condition.clear();
      this.#misadvertised.delete(key);
    }
    for (const [key, { name: member, ...advertised }] of members) {
      const condition = this.#misadvertised.get(key) ?? new Condition(this.#tell);
      this.#misadvertised.set(key, condition);
      const after = advertised.usedAt === undefined ? misadvertisedAfter : 0;
      condition.raise({ kind: 'member-misadvertised', member, ...advertised }, after);
    }
  }

  /** Returns for how long the answer is valid, ms. */
  async #askSrv(domain: string): Promise<number> {
    const { schemes, dns } = this.#options;
    const found = await findSrvMembers(domain, schemes, dns.srv).catch((error: Error) => error);
    if (this.#stopped) return srvInterval;
    if (found instanceof Error) {
      const none = seedsOf(this.#sources).length === 0;
      this.#srvFailing.raise({ kind: 'discovery-failing', domain, why: found.message, none });
    } else {
      this.#srvFailing.clear({ kind: 'discovery-back', domain });
      this.#update({ srv: found });
    }
    const now = performance.now();
    return nextInStep(now, srvInterval) - now;
  }

  #stop(): void {
    this.#stopped = true;
    this.#addresses.watch([]);
    for (const condition of this.#misadvertised.values()) condition.clear();
  }
}
