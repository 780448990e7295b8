/**
 * A place: where a member is to be found, as a setting, DNS or the cluster itself names it.
 *
 * Owns when two of them are the same one.
 */
import { type Endpoint, formatEndpoint } from '../config/values/endpoint.ts';
import { formatHostPort } from '../lib/net/host-port.ts';

export interface Place extends Endpoint {
  /** What settings call it, where `name` tells it apart from others of that name. */
  readonly settingsName?: string | undefined;
  /** An address of `host`, where that is a name that several members share. */
  readonly address?: string | undefined;
  /** Share of new connections against the others', and class, as DNS names them (RFC 2782). */
  readonly weight?: number | undefined;
  readonly priority?: number | undefined;
  /** Was it a learner when the cluster named it? */
  readonly isLearner?: boolean;
}

/** Where connections go: equal for two places that are the same. */
export function addressOf({ address, host, port }: Place): string {
  return formatHostPort(address ?? host, port);
}

/** Equal when everything that a connection to it depends on is: its URL, and its address. */
export function keyOf(place: Place): string {
  const url = formatEndpoint(place);
  return place.address === undefined ? url : `${url} at ${place.address}`;
}
