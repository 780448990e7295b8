/**
 * Addresses: host names that several members share. Each is looked up again when its time to live ends. A
 * name with a single address stays a name: each connection looks it up (lib/net/dns-cache.ts).
 *
 * Owns one timer per name. The system resolves the addresses, since it knows hosts files and search domains;
 * the name server provides the time to live.
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
  /** Called when the addresses of a name have changed. */
  readonly onChange: () => void;
  /** Called when a name with several addresses cannot be looked up, and when it can again. */
  readonly onFailure: (change: DnsChange) => void;
  /** Called when a name has more addresses than a cluster can have members, and when it no longer has. */
  readonly onExcess: (change: DiscoveryChange) => void;
}

/** Between two look-ups of a name, ms: at least, at most, and if the time to live is unknown. */
const shortest = 1_000;
const longest = 300_000;
const usual = 30_000;
/** The same after a failed look-up. */
const retry = 5_000;

interface Known {
  /** `undefined` until the name has several addresses. Then it stays set, so the last member keeps its identity. */
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

  /** Sets the names to watch, possibly none. IP addresses are ignored. */
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

  /** The addresses of a host that several members share. Empty for an IP address, and for a name with a single one. */
  of(host: string): readonly string[] {
    return this.#known.get(host)?.shared ?? [];
  }

  /** Returns for how long the answer is valid, ms. */
  async #ask(name: string, known: Known): Promise<number> {
    const { lookup, ttl } = this.#options;
    // Both are asked in parallel: a name server that does not answer must not delay an entry of the hosts file.
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
      // For a name with a single address, the connection attempts report the failure.
      const failure = classify(found).detail;
      if (addresses) known.failing.raise({ kind: 'names-failing', name, failure, addresses });
      return retry;
    }
    this.#take(name, known, found);
    return wait;
  }

  /** If there are more than a cluster can have members, the previous addresses stay in use. */
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
 * The IPv4 addresses if there are any, else the IPv6 ones, sorted: a host with both families is one member.
 * Throws if there is no address.
 */
function oneFamily(addresses: readonly string[]): string[] {
  if (addresses.length === 0) throw new Error('no address');
  const four = addresses.filter((address) => isIP(address) === 4);
  return [...new Set(four.length > 0 ? four : addresses)].sort();
}
