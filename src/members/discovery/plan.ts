/**
 * The plan: from the cluster's member list to the places that clients are sent to.
 *
 *   listed member ──► the place where it answers ──► else its advertised client URL ──► else the place that
 *                     a setting names
 *
 * A member stays where it answers as itself, whatever it advertises: a working place is not given up for one
 * that may not work. Pure.
 */
import { type Endpoint, parseEndpoints, type Scheme } from '../../config/values/endpoint.ts';
import { isUnstarted } from '../../etcd/status/cluster-view.ts';
import type { ListedMember } from '../../etcd/status/member-status.ts';
import { isLoopback } from '../../lib/net/host-port.ts';
import { addressOf, keyOf, type Place } from '../place.ts';

/** A current member. */
export interface KnownMember {
  readonly place: Place;
  /** The id in its last status; absent if there was none. */
  readonly memberId?: string | undefined;
  /** Does its last status name another cluster than the one of the list? */
  readonly isForeign: boolean;
  /** Does it pass its checks? */
  readonly healthy: boolean;
}

/** A member that advertises no usable URL. */
export interface Misadvertised {
  readonly name: string;
  readonly urls: readonly string[];
  /** One clause. */
  readonly why: string;
  /** Where it is used nevertheless; `undefined` if nowhere. */
  readonly usedAt: string | undefined;
}

export interface Plan {
  /** Empty if the list is of no use. Then nothing must change. */
  readonly places: readonly Place[];
  readonly misadvertised: readonly Misadvertised[];
}

/**
 * @param list all members of the cluster, including learners and members that never started.
 * @param known the current members; all have the same scheme.
 * @param seeds the places that a setting or DNS names.
 */
export function planMembers(
  list: readonly ListedMember[],
  known: readonly KnownMember[],
  seeds: readonly Place[],
): Plan {
  const seedAt = new Map(seeds.map((place) => [keyOf(place), place]));
  const seedOf = ({ place }: KnownMember): Place | undefined => seedAt.get(keyOf(place));
  const scheme = known[0]?.place.scheme ?? 'http';
  const onlyHere = known.length > 0 && known.every(({ place }) => isLoopback(place.host));
  const places: Place[] = [];
  const misadvertised: Misadvertised[] = [];
  let isComplete = true;
  for (const member of list.filter((each) => !isUnstarted(each))) {
    const itself = known.filter(({ memberId }) => memberId === member.id);
    const working = itself.find(({ healthy }) => healthy);
    const { name, clientUrls: urls } = member;
    const judged = urls.map((url) => judge(url, scheme, onlyHere, whose(member, url, list, known)));
    const usable = judged.find((url) => typeof url !== 'string');
    const advertised = usable === undefined ? [] : [placeOf(member, usable)];
    // While it does not answer at the place that a setting names, both places are tried.
    const own = working
      ? [seedOf(working) ?? working.place]
      : [...itself.flatMap((each) => seedOf(each) ?? []), ...advertised];
    places.push(...own);
    if (working === undefined) isComplete = false;
    if (usable !== undefined) continue;
    const why = judged.find((url) => typeof url === 'string') ?? 'it advertises none';
    misadvertised.push({ name, urls, why, usedAt: own[0] && addressOf(own[0]) });
  }
  if (places.length === 0) return { places: [], misadvertised };
  // A seed without a status may be one of the members that do not answer. A seed of another cluster stays,
  // ineligible, so that the mistake is visible.
  const others = known.filter(
    ({ isForeign, memberId }) => isForeign || (memberId === undefined && !isComplete),
  );
  return { places: [...places, ...others.flatMap((each) => seedOf(each) ?? [])], misadvertised };
}

function placeOf({ id, name, isLearner }: ListedMember, { scheme, host, port }: Endpoint): Place {
  return { name: name || id, scheme, host, port, isLearner };
}

/** The endpoint of a URL, or one clause why it cannot be used. */
function judge(url: string, scheme: Scheme, onlyHere: boolean, owner?: string): Endpoint | string {
  let endpoint: Endpoint | undefined;
  try {
    [endpoint] = parseEndpoints(url, scheme);
  } catch {
    return `${url} is not an address that anybody can reach`;
  }
  if (endpoint === undefined) return 'it advertises an empty URL';
  if (endpoint.scheme !== scheme) return `${url} is not ${scheme}, which the others speak`;
  if (isLoopback(endpoint.host) && !onlyHere) return `${url} is reached on its own host only`;
  if (owner !== undefined) return `${url} is the address of ${owner}`;
  return endpoint;
}

/** The other member that owns a URL, if any: it answers there as itself, or it comes first with this URL in the list. */
function whose(
  { id }: ListedMember,
  url: string,
  list: readonly ListedMember[],
  known: readonly KnownMember[],
): string | undefined {
  const living = known.find(
    ({ place, memberId, healthy }) =>
      healthy && memberId !== undefined && memberId !== id && isAt(place, url),
  );
  if (living !== undefined) return living.place.name;
  const first = list.find(({ clientUrls }) => clientUrls.includes(url));
  return first === undefined || first.id === id ? undefined : first.name || first.id;
}

function isAt(place: Place, url: string): boolean {
  return URL.canParse(url) && new URL(url).host === new URL(`http://${addressOf(place)}`).host;
}
