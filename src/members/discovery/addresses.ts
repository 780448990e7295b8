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
import { Condition } from '../../lib/condition.ts';
import type { DnsChange } from '../../lib/net/dns-cache.ts';
import { classify } from '../../lib/net/failure.ts';
import { poll } from '../../lib/time/poll.ts';
import { type DiscoveryChange, tooMany } from './change.ts';
import type { Dns } from './system-dns.ts';

export interface AddressesOptions extends Pick<Dns, 'lookup' | 'ttl'> {
  /** Told when the addresses of a name have changed. */
  readonly onChange: () => void;
  /** Told when a name that has several addresses cannot be looked up, and when it can again. */
  readonly onFailure: (change: DnsChange) => void;
  /** Told when a name has more addresses than a cluster has members, and when it has fewer again. */
  readonly onExcess: (change: DiscoveryChange) => void;
}

/** Between two look-ups of a name, ms: at least, at most, and where the time to live is not known. */
const shortest = 1_000;
const longest = 300_000;
const usual = 30_000;
/** The same after one that failed. */
const retry = 5_000;

interface Known {
  /** `undefined` until it has several. It stays a name of many, so that who is left stays who it is. */
  shared: readonly string[] | undefined;
  readonly failing: Condition<DnsChange>;
  readonly excess: Condition<DiscoveryChange>;
  readonly unwatched: AbortController;
}

export class Addresses {
  readonly #options: AddressesOptions;
  readonly #known = new Map<string, Known>();

  constructor(options: AddressesOptions) {
    this.#options = options;
  }

  /** Makes these the names that are watched, none if empty; IP addresses among them are passed over. */
  watch(hosts: readonly string[]): void {
    const names = new Set(hosts.filter((host) => isIP(host) === 0));
    for (const [name, { unwatched }] of this.#known) {
      if (names.has(name)) continue;
      this.#known.delete(name);
      unwatched.abort();
    }
    for (const name of names) {
      if (this.#known.has(name)) continue;
      const known = {
        ...{ shared: undefined, unwatched: new AbortController() },
        failing: new Condition(this.#options.onFailure),
        excess: new Condition(this.#options.onExcess),
      };
      this.#known.set(name, known);
      poll(() => this.#ask(name, known), known.unwatched.signal);
    }
  }

  /** The addresses of a host that several members share; empty if it never had but one, or is one. */
  of(host: string): readonly string[] {
    return this.#known.get(host)?.shared ?? [];
  }

  /** Returns how long the answer holds, ms. */
  async #ask(name: string, known: Known): Promise<number> {
    const { lookup, ttl } = this.#options;
    // Asked meanwhile: a name server that does not answer keeps what a hosts file knows from nobody.
    const wait = ttl(name).then(
      (seconds) => Math.min(longest, Math.max(shortest, seconds * 1_000)),
      () => usual,
    );
    const found = await lookup(name)
      .then(oneFamily)
      .catch((error: Error) => error);
    if (known.unwatched.signal.aborted) return retry;
    if (found instanceof Error) {
      const { shared: addresses } = known;
      // A name with one address is told of where it is used.
      const failure = classify(found).detail;
      if (addresses) known.failing.raise({ kind: 'names-failing', name, failure, addresses });
      return retry;
    }
    this.#take(name, known, found);
    return wait;
  }

  /** With more than a cluster can have, the addresses stay as they are. */
  #take(name: string, known: Known, addresses: readonly string[]): void {
    const { length: found } = addresses;
    const isTooMany = found > mostMembers;
    known.excess.set(isTooMany, tooMany(isTooMany, { source: name, found, most: mostMembers }));
    if (isTooMany) return;
    known.failing.clear({ kind: 'names-back', name, addresses });
    const isShared = found > 1 || known.shared !== undefined;
    if (!isShared || known.shared?.join() === addresses.join()) return;
    known.shared = addresses;
    this.#options.onChange();
  }
}

/**
 * Sorted. A host with both families is one member, so those of IPv4 are taken where there are any. Throws
 * where there is none at all.
 */
function oneFamily(addresses: readonly string[]): string[] {
  if (addresses.length === 0) throw new Error('no address');
  const four = addresses.filter((address) => isIP(address) === 4);
  return [...new Set(four.length > 0 ? four : addresses)].sort();
}
