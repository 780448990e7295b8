/**
 * Resolve: from the answers of all sources to the members.
 *
 *   --endpoints ───┐
 *   SRV records ───┼─► seeds ─► names with several addresses ─► what the cluster lists ─► places
 *   state directory┘                                           (plan.ts, if asked for)
 *
 * Pure.
 */
import type { Endpoint } from '../../config/values/endpoint.ts';
import { type ListedMember, mostMembers } from '../../etcd/status/member-status.ts';
import { addressOf, type Place } from '../place.ts';
import { type KnownMember, planMembers } from './plan.ts';

/** The last answer of each source; it stays valid while the source fails. */
export interface Sources {
  readonly endpoints: readonly Endpoint[];
  /** `undefined` until there were SRV records. */
  readonly srv?: readonly Place[];
  /** The addresses of a host that several members share; empty for any other host. */
  readonly addressesOf: (host: string) => readonly string[];
  /** The members of an earlier run: seeds until a live source has named the members. */
  readonly saved: readonly Place[];
  /** Are the members those that the cluster lists? */
  readonly followsCluster: boolean;
  /** The cluster's current list; empty while there is none. */
  readonly list: readonly ListedMember[];
  /** The current members. */
  readonly known: readonly KnownMember[];
  /** The places from the last list that was not empty, and when, ms of `performance.now()`. */
  readonly listed?: { readonly places: readonly Place[]; readonly at: number } | undefined;
}

/** After this long without a healthy member, ms, the seeds are tried again beside the last list. */
const seedsAfter = 30_000;

/**
 * The members, whether they exceed the limit `most`, and whether they are live: a live source has named them, so
 * they may be saved. `misadvertised` is undefined without a list.
 *
 * @param now ms of `performance.now()`.
 */
export function resolve(sources: Sources, now: number) {
  const { endpoints, srv, followsCluster, list, known } = sources;
  const seeds = seedsOf(sources);
  const plan = list.length === 0 ? undefined : planMembers(list, known, seeds);
  const isListed = plan !== undefined && plan.places.length > 0;
  // A list is valid until the next one. But if all its members are gone, the seeds may be better.
  const listed = isListed ? { places: plan.places, at: now } : sources.listed;
  const isLost =
    listed !== undefined && now - listed.at >= seedsAfter && !known.some(({ healthy }) => healthy);
  const places = [...(listed?.places ?? []), ...(listed === undefined || isLost ? seeds : [])];
  const most = mostOf(endpoints);
  const isLive = followsCluster ? isListed : srv !== undefined;
  const areTooMany = places.length > most;
  return { places, listed, misadvertised: plan?.misadvertised, isLive, areTooMany, most };
}

/** The members that settings and DNS name; until DNS or the cluster has answered, also those of an earlier run. */
export function seedsOf(sources: Sources): readonly Place[] {
  const { endpoints, srv, addressesOf, saved, followsCluster, listed } = sources;
  const named = [...endpoints, ...(srv ?? [])].flatMap((place: Place) =>
    placesAt(place, addressesOf(place.host)),
  );
  if ((followsCluster ? listed : srv) !== undefined) return named;
  const taken = new Set(named.map(addressOf));
  return [...named, ...saved.filter((place) => !taken.has(addressOf(place)))];
}

/** The limit: settings may name any number; beyond them, all other sources may name as many as one cluster has. */
export function mostOf(endpoints: readonly Endpoint[]): number {
  return endpoints.length + mostMembers;
}

/** One place per address of the host. */
function placesAt(place: Place, addresses: readonly string[]): Place[] {
  if (addresses.length === 0) return [place];
  return addresses.map((address) => {
    const name = `${place.name}/${address}`;
    return { ...place, name, settingsName: place.name, address };
  });
}
