/**
 * Addresses: host names that several members share, looked up again whenever their time to live is
 * over. A name with one address is left as it is: it is looked up whenever somebody connects
 * (lib/net/dns-cache.ts).
 *
 * Owns one timer a name. The system is asked for the addresses, as it knows hosts files and search
 * domains, and the name server for how long they hold.
 */
import { isIP } from 'node:net';
import { mostMembers } from '../../etcd/status/member-status.ts';
import type { DnsChange } from '../../lib/net/dns-cache.ts';
import { classify } from '../../lib/net/failure.ts';
import { attempt } from '../../lib/unexpected.ts';

export interface AddressSource {
  /** All addresses of a name, of either family. */
  readonly lookup: (name: string) => Promise<readonly string[]>;
  /** For how long they hold, s; rejects where that is not known. */
  readonly ttl: (name: string) => Promise<number>;
}

export interface AddressesOptions extends AddressSource {
  /** Told when the addresses of a name have changed. */
  readonly onChange: () => void;
  /** Told when a name that has several addresses cannot be looked up, and when it can again. */
  readonly onFailure: (change: DnsChange) => void;
  /** Told when a name has more addresses than a cluster has members, and when it has fewer again. */
  readonly onExcess: (name: string, found: number, isTooMany: boolean) => void;
}

/** Between two look-ups of a name, ms: at least, at most, and where the time to live is not known. */
const shortest = 1_000;
const longest = 300_000;
const usual = 30_000;
/** The same after one that failed. */
const retry = 5_000;

interface Known {
  addresses: readonly string[];
  /** Has it ever had several? Then it goes on to be a name of many, so that who is left stays who it is. */
  isShared: boolean;
  failing: boolean;
  excessive: boolean;
  timer?: NodeJS.Timeout;
}

export class Addresses {
  readonly #options: AddressesOptions;
  readonly #known = new Map<string, Known>();
  #stopped = false;

  constructor(options: AddressesOptions) {
    this.#options = options;
  }

  /** Makes these the names that are watched; IP addresses among them are passed over. */
  watch(hosts: readonly string[]): void {
    if (this.#stopped) return;
    const names = new Set(hosts.filter((host) => isIP(host) === 0));
    for (const [name, { timer }] of this.#known) {
      if (names.has(name)) continue;
      clearTimeout(timer);
      this.#known.delete(name);
    }
    for (const name of names) {
      if (this.#known.has(name)) continue;
      const known: Known = {
        ...{ addresses: [], isShared: false, failing: false, excessive: false },
      };
      this.#known.set(name, known);
      void this.#ask(name, known);
    }
  }

  /** The addresses of a host that several members share; empty if it never had but one, or is one. */
  of(host: string): readonly string[] {
    const known = this.#known.get(host);
    return known?.isShared ? known.addresses : [];
  }

  stop(): void {
    this.#stopped = true;
    for (const { timer } of this.#known.values()) clearTimeout(timer);
    this.#known.clear();
  }

  async #ask(name: string, known: Known): Promise<void> {
    const isWatched = (): boolean => this.#known.get(name) === known;
    // Asked meanwhile: a name server that does not answer keeps what a hosts file knows from nobody.
    const ttl = this.#options.ttl(name).then(
      (seconds) => Math.min(longest, Math.max(shortest, seconds * 1_000)),
      () => usual,
    );
    const found = await this.#options.lookup(name).catch((error: Error) => error);
    if (!isWatched()) return;
    let wait = retry;
    if (found instanceof Error) attempt(() => this.#tell(name, known, classify(found).detail));
    else if (found.length === 0) attempt(() => this.#tell(name, known, 'no address'));
    else {
      attempt(() => this.#take(name, known, oneFamily(found)));
      wait = await ttl;
    }
    if (isWatched()) known.timer = setTimeout(() => void this.#ask(name, known), wait);
  }

  /** With more than a cluster can have, the addresses stay as they are. */
  #take(name: string, known: Known, addresses: readonly string[]): void {
    const isTooMany = addresses.length > mostMembers;
    if (isTooMany !== known.excessive) {
      known.excessive = isTooMany;
      this.#options.onExcess(name, addresses.length, isTooMany);
    }
    if (isTooMany) return;
    const before = this.of(name);
    known.addresses = addresses;
    known.isShared ||= addresses.length > 1;
    this.#tell(name, known, undefined);
    if (before.join() !== this.of(name).join()) this.#options.onChange();
  }

  /** A name with one address is told of where it is used. */
  #tell(name: string, known: Known, failure: string | undefined): void {
    const failing = failure !== undefined && known.isShared;
    if (failing === known.failing) return;
    known.failing = failing;
    this.#options.onFailure({ name, failure, addresses: known.addresses });
  }
}

/** Sorted. A host with both families is one member, so those of IPv4 are taken where there are any. */
function oneFamily(addresses: readonly string[]): string[] {
  const four = addresses.filter((address) => isIP(address) === 4);
  return [...new Set(four.length > 0 ? four : addresses)].sort();
}
