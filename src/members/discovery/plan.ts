/**
 * The plan: from what the cluster lists to the members that clients are sent to.
 *
 *   listed member ──► where it answers now ──► else where it says that clients go ──► else where
 *                     a setting names it
 *
 * Where a member answers as itself it stays, whatever else it advertises: what works is not given up
 * for what may not. Pure.
 */
import { type Endpoint, parseEndpoints, type Scheme } from '../../config/values/endpoint.ts';
import { isUnstarted } from '../../etcd/status/cluster-view.ts';
import type { ListedMember } from '../../etcd/status/member-status.ts';
import { isLoopback } from '../../lib/net/host-port.ts';
import { addressOf, keyOf, type Place } from '../place.ts';

/** What is known of a member that there is now. */
export interface KnownMember {
  readonly place: Place;
  /** Who it last said it is; absent if it never did. */
  readonly memberId?: string | undefined;
  /** Does it belong to the cluster whose list this is, as far as it said? */
  readonly isForeign: boolean;
  /** Does it pass its checks? */
  readonly healthy: boolean;
}

/** A member that advertises no URL that can be used. */
export interface Misadvertised {
  readonly name: string;
  readonly urls: readonly string[];
  /** One clause. */
  readonly why: string;
  /** Where it is used all the same; `undefined` if nowhere. */
  readonly usedAt: string | undefined;
}

export interface Plan {
  /** Empty when the list is no use, which must change nothing. */
  readonly places: readonly Place[];
  readonly misadvertised: readonly Misadvertised[];
}

/**
 * @param list every member of the cluster, learners and those never started included.
 * @param known the members there are, which all speak one scheme.
 * @param seeds the places that a setting or DNS names, and not the cluster alone.
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
    // While it does not answer where a setting names it, both places are worth a try.
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
  // A seed that has never said who it is may be one of those that do not answer; one of another
  // cluster stays, barred, so that the mistake is seen.
  const others = known.filter(
    ({ isForeign, memberId }) => isForeign || (memberId === undefined && !isComplete),
  );
  return { places: [...places, ...others.flatMap((each) => seedOf(each) ?? [])], misadvertised };
}

function placeOf({ id, name, isLearner }: ListedMember, { scheme, host, port }: Endpoint): Place {
  return { name: name || id, scheme, host, port, isLearner };
}

/** The endpoint that a URL is, or one clause why it cannot be used. */
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

/** Whose a URL is, if another's: a second member advertises it first, or answers there as itself. */
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
