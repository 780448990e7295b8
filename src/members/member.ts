/**
 * A member: one object with all that is known of a place that clients can be sent to, as Envoy's Host.
 *
 * Control writes everything but the load, which the data path keeps; whoever picks, shows or asks reads.
 */
import type { LookupFunction } from 'node:net';
import { formatEndpoint } from '../config/values/endpoint.ts';
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
  /** The share as it is at this moment: less while it starts slowly after a failure. Above 0. */
  weight: number;
  /** Sessions open or being dialled. Kept by the data path, read by the policies. */
  load = 0;
  /** Calls in flight, of the sessions whose calls are followed. Kept as `load` is. */
  calls = 0;
  /** Does it lead its cluster? */
  leads = false;
  /** How long it takes to answer, ms; undefined until it has. */
  latency: number | undefined;
  /** How long it takes to connect to it, a running mean, ms; undefined until a dial has. Kept as `load` is. */
  connectTime: number | undefined;

  constructor(place: Place, traits: Partial<Traits> = {}) {
    this.place = place;
    this.checkUrl = traits.checkUrl ?? formatEndpoint(place);
    this.checksClientPort = traits.checksClientPort ?? true;
    this.lookup = traits.lookup;
    this.share = traits.share ?? 1;
    this.priority = traits.priority ?? 0;
    this.weight = this.share;
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
