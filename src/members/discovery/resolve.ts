/**
 * Resolve: from what the sources have said to the members that there are.
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

/** What each source has said last, which holds while it fails. */
export interface Sources {
  readonly endpoints: readonly Endpoint[];
  /** `undefined` until there were SRV records. */
  readonly srv?: readonly Place[];
  /** The addresses of a host that several members share; empty for any other. */
  readonly addressesOf: (host: string) => readonly string[];
  /** The members of an earlier run: seeds until somebody alive has named the members. */
  readonly saved: readonly Place[];
  /** Are the members those that the cluster lists? */
  readonly followsCluster: boolean;
  /** What the cluster lists now; empty while it does not say. */
  readonly list: readonly ListedMember[];
  /** What is known of the members there are. */
  readonly known: readonly KnownMember[];
  /** What came of the last list that named anybody, and when, ms of `performance.now()`. */
  readonly listed?: { readonly places: readonly Place[]; readonly at: number } | undefined;
}

/** When no member was healthy for this long, ms, the seeds are tried again beside those of the last list. */
const seedsAfter = 30_000;

/**
 * The members, whether they are more than the `most` that are taken, and whether they are live: named by somebody
 * alive, and to be saved. `misadvertised` is undefined where no list tells.
 *
 * @param now ms of `performance.now()`.
 */
export function resolve(sources: Sources, now: number) {
  const { endpoints, srv, followsCluster, list, known } = sources;
  const seeds = seedsOf(sources);
  const plan = list.length === 0 ? undefined : planMembers(list, known, seeds);
  const isListed = plan !== undefined && plan.places.length > 0;
  // A list holds until there is another, but when all of it is gone the seeds may know better.
  const listed = isListed ? { places: plan.places, at: now } : sources.listed;
  const isLost =
    listed !== undefined && now - listed.at >= seedsAfter && !known.some(({ healthy }) => healthy);
  const places = [...(listed?.places ?? []), ...(listed === undefined || isLost ? seeds : [])];
  const most = mostOf(endpoints);
  const isLive = followsCluster ? isListed : srv !== undefined;
  const areTooMany = places.length > most;
  return { places, listed, misadvertised: plan?.misadvertised, isLive, areTooMany, most };
}

/** Those that settings and DNS name, and while neither DNS nor the cluster has, those of an earlier run. */
export function seedsOf(sources: Sources): readonly Place[] {
  const { endpoints, srv, addressesOf, saved, followsCluster, listed } = sources;
  const named = [...endpoints, ...(srv ?? [])].flatMap((place: Place) =>
    placesAt(place, addressesOf(place.host)),
  );
  if ((followsCluster ? listed : srv) !== undefined) return named;
  const taken = new Set(named.map(addressOf));
  return [...named, ...saved.filter((place) => !taken.has(addressOf(place)))];
}

/** What settings name is meant; beyond it, all sources together name no more than a cluster has. */
export function mostOf(endpoints: readonly Endpoint[]): number {
  return endpoints.length + mostMembers;
}

/** One place for each address of its host. */
function placesAt(place: Place, addresses: readonly string[]): Place[] {
  if (addresses.length === 0) return [place];
  return addresses.map((address) => {
    const name = `${place.name}/${address}`;
    return { ...place, name, settingsName: place.name, address };
  });
}
