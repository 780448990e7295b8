/**
 * The DNS cache: the members' host names and their last known addresses.
 *
 * Names are looked up again in the background, and a connection gets the known addresses at
 * once: while the name server is gone, members are still reached at their last good addresses.
 * Only the first look-up of a name makes a connection wait.
 *
 * Owns those addresses. Literal IP addresses never come here: Node does not look them up.
 */
import dns, { type LookupAddress } from 'node:dns';
import { isIP, type LookupFunction } from 'node:net';
import { Condition } from '../condition.ts';
import { classify } from './failure.ts';

/** Look-ups of a name fail, or work again. `addresses` are used meanwhile. */
export type DnsChange = Readonly<
  | { kind: 'names-failing'; name: string; failure: string; addresses: readonly string[] }
  | { kind: 'names-back'; name: string; addresses: readonly string[] }
>;

interface Known {
  addresses: readonly LookupAddress[];
  askedAt: number;
  lookup: Promise<readonly LookupAddress[]> | undefined;
  readonly failing: Condition<DnsChange>;
}

/** A name is not looked up again within this time, ms. */
const freshness = 1_000;
/** How many names are kept, since members come and go. The least recently used is dropped. */
const mostNames = 256;
/** A look-up slower than this is reported as failing, ms; it goes on. */
const patience = 1_000;

export class DnsCache {
  readonly #known = new Map<string, Known>();
  readonly #onChange: (change: DnsChange) => void;
  readonly #resolve: (name: string) => Promise<readonly LookupAddress[]>;

  /**
   * @param onChange called when look-ups of a name begin to fail, and when they work again.
   * @param resolve asks the system; replaced in tests.
   */
  constructor(onChange: (change: DnsChange) => void, resolve = askSystem) {
    this.#onChange = onChange;
    this.#resolve = resolve;
  }

  /** For the option `lookup` of `net.connect` and of `http` agents. */
  readonly lookup: LookupFunction = (name, options, callback) => {
    this.#addressesOf(name).then(
      (addresses) => {
        const [first] = addresses;
        if (options.all) callback(null, [...addresses]);
        else callback(null, first?.address ?? '', first?.family);
      },
      (error: NodeJS.ErrnoException) => callback(error, ''),
    );
  };

  /** The known addresses, or else the result of the first look-up. Rejects when that fails. */
  async #addressesOf(name: string): Promise<readonly LookupAddress[]> {
    const known = this.#of(name);
    const due = performance.now() - known.askedAt >= freshness;
    if (known.lookup === undefined && (due || known.addresses.length === 0)) {
      known.lookup = this.#ask(name, known);
      known.lookup.catch(() => {}); // reported in #ask; nobody may be waiting
    }
    if (known.addresses.length > 0) return known.addresses;
    return known.lookup ?? known.addresses;
  }

  async #ask(name: string, known: Known): Promise<readonly LookupAddress[]> {
    const used = () => ({ name, addresses: known.addresses.map(({ address }) => address) });
    const fails = (failure: string): DnsChange => ({ kind: 'names-failing', failure, ...used() });
    const late = `the name server has not answered within ${patience} ms`;
    known.askedAt = performance.now();
    known.failing.raise(fails(late), patience);
    try {
      known.addresses = await this.#resolve(name);
      known.failing.clear({ kind: 'names-back', ...used() });
      return known.addresses;
    } catch (error) {
      known.failing.raise(fails(classify(error).detail));
      throw error;
    } finally {
      known.lookup = undefined;
    }
  }

  #of(name: string): Known {
    const known = this.#known.get(name) ?? {
      ...{ addresses: [], askedAt: Number.NEGATIVE_INFINITY, lookup: undefined },
      failing: new Condition(this.#onChange),
    };
    // In order of their last use.
    this.#known.delete(name);
    this.#known.set(name, known);
    const [oldest] = this.#known.keys();
    if (this.#known.size > mostNames && oldest !== undefined) this.#known.delete(oldest);
    return known;
  }
}

/** A look-up that always gives this address: for one of several members that share a host name. */
export function alwaysAt(address: string): LookupFunction {
  const family = isIP(address);
  return (_name, options, callback) => {
    if (options.all) callback(null, [{ address, family }]);
    else callback(null, address, family);
  };
}

function askSystem(name: string): Promise<readonly LookupAddress[]> {
  return dns.promises.lookup(name, { all: true });
}
