/**
 * The plan: from what the cluster lists to the members that clients are sent to.
 *
 *   listed member ──► where it answers now ──► else where it says that clients go ──► else where
 *                     a setting names it
 *
 * Where a member answers as itself it stays, whatever else it advertises: what works is not given up
 * for what may not. Pure.
 */
import { isIP } from 'node:net';
import { type Endpoint, parseEndpoints, type Scheme } from '../../config/values/endpoint.ts';
import { isUnstarted } from '../../etcd/status/cluster-view.ts';
import type { ListedMember } from '../../etcd/status/member-status.ts';
import { addressOf, type Place } from '../place.ts';

/** What is known of a member that there is now. */
export interface KnownMember {
  readonly place: Place;
  /** Was it named by a setting or by DNS, and not by the cluster alone? */
  readonly isSeed: boolean;
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
 * @param known the members there are.
 * @param scheme the one that clients speak.
 */
export function planMembers(
  list: readonly ListedMember[],
  known: readonly KnownMember[],
  scheme: Scheme,
): Plan {
  const onlyHere = known.length > 0 && known.every(({ place }) => isLoopback(place.host));
  const started = list.filter((member) => !isUnstarted(member));
  const places: Place[] = [];
  const misadvertised: Misadvertised[] = [];
  let isComplete = true;
  for (const member of started) {
    const itself = known.filter(({ memberId }) => memberId === member.id);
    const working = itself.find(({ healthy }) => healthy);
    const urls = member.clientUrls.map((url) =>
      judge(url, scheme, onlyHere, whose(member, url, list, known)),
    );
    const usable = urls.find((url) => typeof url !== 'string');
    const seeds = itself.filter(({ isSeed }) => isSeed);
    const advertised = usable === undefined ? [] : [placeOf(member, usable)];
    // While it does not answer where a setting names it, both places are worth a try.
    const own = working ? [working.place] : [...seeds.map(({ place }) => place), ...advertised];
    places.push(...own);
    if (working === undefined) isComplete = false;
    if (usable !== undefined) continue;
    const why = urls.find((url) => typeof url === 'string') ?? 'it advertises none';
    misadvertised.push({
      name: member.name,
      urls: member.clientUrls,
      why,
      usedAt: own[0] && addressOf(own[0]),
    });
  }
  if (places.length === 0) return { places: [], misadvertised };
  // A seed that has never said who it is may be one of those that do not answer; one of another
  // cluster stays, barred, so that the mistake is seen.
  const others = known.filter(
    ({ isSeed, isForeign, memberId }) =>
      isSeed && (isForeign || (memberId === undefined && !isComplete)),
  );
  return { places: [...places, ...others.map(({ place }) => place)], misadvertised };
}

function placeOf({ id, name, isLearner }: ListedMember, { scheme, host, port }: Endpoint): Place {
  return { name: name || id, scheme, host, port, isLearner };
}

/** The endpoint that a URL is, or one clause why it cannot be used. */
function judge(
  url: string,
  scheme: Scheme,
  onlyHere: boolean,
  owner: string | undefined,
): Endpoint | string {
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

function isLoopback(host: string): boolean {
  return host === 'localhost' || host === '::1' || (isIP(host) === 4 && host.startsWith('127.'));
}
