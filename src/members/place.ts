/**
 * A place: where a member is, as a setting, DNS or the cluster names it. This file also decides when two
 * places are the same.
 */
import { type Endpoint, formatEndpoint } from '../config/values/endpoint.ts';
import { formatHostPort } from '../lib/net/host-port.ts';

export interface Place extends Endpoint {
  /** Its name in the settings, if `name` differs from it to be unique. */
  readonly settingsName?: string | undefined;
  /** An address of `host`, if several members share that name. */
  readonly address?: string | undefined;
  /** Share of new connections, and priority, from DNS (RFC 2782). */
  readonly weight?: number | undefined;
  readonly priority?: number | undefined;
  /** Was it a learner when the cluster named it? */
  readonly isLearner?: boolean;
}

/** Where connections go, as `host:port`. */
export function addressOf({ address, host, port }: Place): string {
  return formatHostPort(address ?? host, port);
}

/** Identifies a place: equal if the URL and the address are, on which a connection depends. */
export function keyOf(place: Place): string {
  const url = formatEndpoint(place);
  return place.address === undefined ? url : `${url} at ${place.address}`;
}
