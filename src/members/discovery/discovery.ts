/**
 * Discovery: which members there are, from all who may name them.
 *
 *   --endpoints ───┐
 *   SRV records ───┼─► seeds ─► names with several addresses ─► what the cluster lists ─► roster
 *   state directory┘            (addresses.ts)                  (plan.ts, if asked for)     │
 *          ▲                                                                                │
 *          └──────────────────────────────── the last good list ◄───────────────────────────┘
 *
 * Owns the seeds, and when each source is asked. A source that fails, names nobody, or names more members than
 * a cluster can have, changes nothing.
 * Leaves to others what is done for a member that joins or leaves (app.ts), and how all this is told.
 */

import type { Endpoint, Scheme } from '../../config/values/endpoint.ts';
import { type ListedMember, mostMembers } from '../../etcd/status/member-status.ts';
import type { DnsChange } from '../../lib/net/dns-cache.ts';
import { nextInStep } from '../../lib/step.ts';
import { attempt } from '../../lib/unexpected.ts';
import { addressOf, keyOf, type Place } from '../place.ts';
import { Addresses, type AddressSource } from './addresses.ts';
import { type KnownMember, type Misadvertised, planMembers } from './plan.ts';
import type { SavedMembers } from './saved-members.ts';
import { findSrvMembers, type ResolveSrv } from './srv.ts';

/** What there is to tell. `why` is one clause. */
export type DiscoveryChange =
  | {
      readonly kind: 'srv-failing';
      readonly domain: string;
      readonly why: string;
      readonly none: boolean;
    }
  | { readonly kind: 'srv-back'; readonly domain: string }
  /** More than are taken, so that nothing changes; `source` names them. `isOver`: not any more. */
  | {
      readonly kind: 'too-many';
      readonly source: string;
      readonly found: number;
      readonly most: number;
      readonly isOver: boolean;
    }
  | { readonly kind: 'misadvertised'; readonly member: Misadvertised }
  | {
      readonly kind: 'state-used';
      readonly file: string;
      readonly members: number;
      readonly savedAt: string;
    }
  | { readonly kind: 'state-unusable'; readonly file: string; readonly why: string }
  | { readonly kind: 'state-failing'; readonly file: string; readonly why: string }
  | { readonly kind: 'state-back'; readonly file: string };

export interface DiscoveryOptions {
  /** As configured at the start. */
  readonly endpoints: readonly Endpoint[];
  /** Whose SRV records name further members. */
  readonly srvDomain?: string | undefined;
  /** What members may speak: SRV records of the first that has any are taken, saved members of any. */
  readonly schemes: readonly Scheme[];
  /** Are the members those that the cluster lists? */
  readonly followsCluster: boolean;
  readonly saved?: SavedMembers | undefined;
  readonly dns: AddressSource & { readonly srv: ResolveSrv };
  /** What is known of the members there are. */
  readonly known: () => readonly Omit<KnownMember, 'isSeed'>[];
  /** The members of the cluster, from one that just passed a linearizable read; empty if none did. */
  readonly list: () => readonly ListedMember[];
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
/** When no member was healthy for this long, ms, the seeds are tried again beside those of the last list. */
const seedsAfter = 30_000;

export class Discovery {
  readonly #options: DiscoveryOptions;
  readonly #addresses: Addresses;
  #endpoints: readonly Endpoint[];
  /** Of an earlier run, until somebody alive has named the members. */
  #old: readonly Place[] = [];
  #srv: readonly Place[] | undefined;
  /** Of the last list that the cluster gave, and when that was, ms of `performance.now()`. */
  #listed: { readonly places: readonly Place[]; readonly at: number } | undefined;
  #srvFailing = false;
  /** Do all sources together name more members than are taken? */
  #excessive = false;
  #srvTimer: NodeJS.Timeout | undefined;
  #stateFailing = false;
  /** Since when each is known, ms of `performance.now()`, and whether it was told. */
  #misadvertised = new Map<string, { readonly since: number; told: boolean }>();
  #stopped = false;

  /** Reads the state directory; asks nobody yet. */
  constructor(options: DiscoveryOptions) {
    this.#options = options;
    this.#endpoints = options.endpoints;
    this.#addresses = new Addresses({
      ...options.dns,
      onChange: () => this.#update(),
      onFailure: options.onNameChange,
      onExcess: (source, found, isTooMany) =>
        this.#tellOfExcess(source, found, mostMembers, isTooMany),
    });
  }

  /** The members to begin with, before anybody was asked; may be none. */
  begin(): readonly Place[] {
    const { saved, schemes, onChange } = this.#options;
    const loaded = saved?.load(schemes, this.#most) ?? { kind: 'none' };
    if (saved !== undefined && loaded.kind === 'list') {
      const { places, savedAt } = loaded;
      this.#old = places;
      onChange({ kind: 'state-used', file: saved.file, members: places.length, savedAt });
    }
    if (saved !== undefined && loaded.kind === 'unusable') {
      onChange({ kind: 'state-unusable', file: saved.file, why: loaded.why });
    }
    return this.#seeds();
  }

  /** Asks all sources and goes on until `signal` aborts. Call it once, after `begin`. */
  start(signal: AbortSignal): void {
    signal.addEventListener('abort', () => this.#stop(), { once: true });
    this.#watchNames();
    if (this.#options.srvDomain !== undefined) void this.#askSrv(this.#options.srvDomain);
  }

  /** Takes in endpoints that were configured anew. What the cluster lists goes on to win over them. */
  configure(endpoints: readonly Endpoint[]): void {
    this.#endpoints = endpoints;
    this.#watchNames();
    this.#update();
  }

  /** Looks again at what the cluster lists: a member has said something of itself. */
  consider(): void {
    if (this.#options.followsCluster && !this.#stopped) this.#update();
  }

  /** Those that settings and DNS name, and while neither DNS nor the cluster has, those of an earlier run. */
  #seeds(): Place[] {
    const named = [...this.#endpoints, ...(this.#srv ?? [])].flatMap((place) =>
      this.#addressed(place),
    );
    const taken = new Set(named.map(addressOf));
    return [...named, ...this.#old.filter((place) => !taken.has(addressOf(place)))];
  }

  /** One place for each address of its host. */
  #addressed(place: Place): Place[] {
    const addresses = this.#addresses.of(place.host);
    if (addresses.length === 0) return [place];
    return addresses.map((address) => {
      const name = `${place.name}/${address}`;
      return { ...place, name, settingsName: place.name, address };
    });
  }

  #update(): void {
    if (this.#stopped) return;
    const { followsCluster, onPlaces } = this.#options;
    const now = performance.now();
    const planned = followsCluster ? this.#plan() : [];
    if (planned.length > 0) {
      this.#old = [];
      this.#listed = { places: planned, at: now };
    }
    const isLive = followsCluster ? planned.length > 0 : this.#srv !== undefined;
    const places = this.#listed === undefined ? this.#seeds() : this.#afterList(this.#listed, now);
    if (this.#areTooMany(places)) return;
    onPlaces(places);
    if (isLive) void this.#save(places);
  }

  /** What settings name is meant; beyond it, all sources together name no more than a cluster has. */
  get #most(): number {
    return this.#endpoints.length + mostMembers;
  }

  #areTooMany({ length: found }: readonly Place[]): boolean {
    const most = this.#most;
    const isTooMany = found > most;
    if (isTooMany !== this.#excessive) this.#tellOfExcess('discovery', found, most, isTooMany);
    this.#excessive = isTooMany;
    return isTooMany;
  }

  #tellOfExcess(source: string, found: number, most: number, isTooMany: boolean): void {
    this.#options.onChange({ kind: 'too-many', source, found, most, isOver: !isTooMany });
  }

  /** The list holds until there is another, but when all of it is gone the seeds may know better. */
  #afterList(
    { places, at }: { readonly places: readonly Place[]; readonly at: number },
    now: number,
  ) {
    const isLost = now - at >= seedsAfter && !this.#options.known().some(({ healthy }) => healthy);
    return isLost ? [...places, ...this.#seeds()] : places;
  }

  #plan(): readonly Place[] {
    const list = this.#options.list();
    if (list.length === 0) return [];
    const seeds = new Map(this.#seeds().map((place) => [keyOf(place), place]));
    const known = this.#options.known().map((member) => {
      const seed = seeds.get(keyOf(member.place));
      return { ...member, place: seed ?? member.place, isSeed: seed !== undefined };
    });
    const scheme = known[0]?.place.scheme ?? 'http';
    const { places, misadvertised } = planMembers(list, known, scheme);
    this.#tellOf(misadvertised);
    return places;
  }

  #tellOf(misadvertised: readonly Misadvertised[]): void {
    const before = this.#misadvertised;
    const now = performance.now();
    this.#misadvertised = new Map();
    for (const member of misadvertised) {
      const key = JSON.stringify(member);
      const known = before.get(key) ?? { since: now, told: false };
      this.#misadvertised.set(key, known);
      const isSettled = member.usedAt !== undefined || now - known.since >= misadvertisedAfter;
      if (known.told || !isSettled) continue;
      known.told = true;
      this.#options.onChange({ kind: 'misadvertised', member });
    }
  }

  #watchNames(): void {
    const named = [...this.#endpoints, ...(this.#srv ?? [])];
    this.#addresses.watch(named.map(({ host }) => host));
  }

  async #askSrv(domain: string): Promise<void> {
    const { schemes, dns } = this.#options;
    const found = await findSrvMembers(domain, schemes, dns.srv).catch((error: Error) => error);
    if (this.#stopped) return;
    attempt(() => this.#takeSrv(domain, found));
    if (this.#stopped) return; // as whoever was told may have decided
    const now = performance.now();
    this.#srvTimer = setTimeout(
      () => void this.#askSrv(domain),
      nextInStep(now, srvInterval) - now,
    );
  }

  #takeSrv(domain: string, found: readonly Place[] | Error): void {
    const { onChange, followsCluster } = this.#options;
    const wasFailing = this.#srvFailing;
    this.#srvFailing = found instanceof Error;
    if (found instanceof Error) {
      const none = this.#seeds().length === 0;
      if (!wasFailing) onChange({ kind: 'srv-failing', domain, why: found.message, none });
      return;
    }
    if (wasFailing) onChange({ kind: 'srv-back', domain });
    this.#srv = found;
    if (!followsCluster) this.#old = [];
    this.#watchNames();
    this.#update();
  }

  async #save(places: readonly Place[]): Promise<void> {
    const { saved, onChange } = this.#options;
    if (saved === undefined) return;
    try {
      await saved.save(places);
      if (this.#stateFailing) onChange({ kind: 'state-back', file: saved.file });
      this.#stateFailing = false;
    } catch (error) {
      const why = (error as Error).message;
      if (!this.#stateFailing) onChange({ kind: 'state-failing', file: saved.file, why });
      this.#stateFailing = true;
    }
  }

  #stop(): void {
    this.#stopped = true;
    this.#addresses.stop();
    clearTimeout(this.#srvTimer);
  }
}
