/**
 * Discovery: keeps up to date what the sources say, and publishes the members that follow from it (resolve.ts).
 *
 * Owns the sources, and when each is asked. A source that fails, names nobody, or names more members than
 * a cluster can have, changes nothing.
 * Leaves to others what is done for a member that joins or leaves (app.ts), and how all this is told.
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

/** With the endpoints of the start. */
export interface DiscoveryOptions extends Pick<Sources, 'endpoints' | 'followsCluster'> {
  /** Whose SRV records name further members. */
  readonly srvDomain?: string | undefined;
  /** What members may speak: SRV records of the first that has any are taken, saved members of any. */
  readonly schemes: readonly Scheme[];
  /** Where the members are saved; nowhere without. */
  readonly stateDir?: string | undefined;
  readonly dns: Dns;
  /** What is known of the members there are. */
  readonly known: () => Sources['known'];
  /** The members of the cluster, from one that just passed a linearizable read; empty if none did. */
  readonly list: () => Sources['list'];
  /** Makes these the members. */
  readonly onPlaces: (places: readonly Place[]) => void;
  readonly onChange: (change: DiscoveryChange) => void;
  readonly onNameChange: (change: DnsChange) => void;
}

/** Between two questions for SRV records, ms: Node does not tell for how long they hold. */
const srvInterval = 10_000;
/**
 * That a member is not used for what it advertises is told of after this long, ms: it may be one of the
 * seeds that have not said yet who they are, and etcd takes many seconds to start.
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
  /** Of each, by what there is to tell of it, as JSON. */
  readonly #misadvertised = new Map<string, Condition<DiscoveryChange>>();
  #stopped = false;

  /** Asks nobody yet. Throws `SettingError` when the state directory cannot be made. */
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

  /** Reads the state directory. Returns the members to begin with, before anybody was asked; may be none. */
  begin(): readonly Place[] {
    const { schemes, endpoints } = this.#options;
    const places = this.#saved?.load(schemes, mostOf(endpoints)) ?? [];
    this.#sources = { ...this.#sources, saved: places };
    return seedsOf(this.#sources);
  }

  /** Asks all sources and goes on until `signal` aborts. Call it once, after `begin`. */
  start(signal: AbortSignal): void {
    signal.addEventListener('abort', () => this.#stop(), { once: true });
    this.#update({});
    const { srvDomain } = this.#options;
    if (srvDomain !== undefined) poll(() => this.#askSrv(srvDomain), signal);
  }

  /** Takes in endpoints that were configured anew. What the cluster lists goes on to win over them. */
  configure(endpoints: readonly Endpoint[]): void {
    this.#update({ endpoints });
  }

  /** Looks again at what the cluster lists: a member has said something of itself. */
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

  /** Returns for how long the answer holds, ms. */
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
