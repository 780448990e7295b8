/**
 * Members from SRV records, as etcd's own clients find them: `_etcd-client-ssl._tcp.DOMAIN` for https
 * and `_etcd-client._tcp.DOMAIN` for http (etcd, "DNS discovery"; RFC 2782 for the records).
 */
import type { SrvRecord } from 'node:dns';
import type { Settings } from '../../config/settings.ts';
import { parseEndpoints, type Scheme } from '../../config/values/endpoint.ts';
import { mostMembers } from '../../etcd/status/member-status.ts';
import { classify } from '../../lib/net/failure.ts';
import { formatHostPort } from '../../lib/net/host-port.ts';
import type { Place } from '../place.ts';
import type { Dns } from './system-dns.ts';

const services: Readonly<Record<Scheme, string>> = {
  https: '_etcd-client-ssl._tcp',
  http: '_etcd-client._tcp',
};

/**
 * The schemes that members may have, the preferred one first: that of the endpoints, since all members share one.
 * Without endpoints it is https, then http unless a setting requires TLS with members.
 */
export function memberSchemes(
  settings: Pick<Settings, 'endpoints' | 'tls' | 'certificates' | 'serverName'>,
): Scheme[] {
  const { endpoints, tls, certificates, serverName } = settings;
  const [first] = endpoints;
  if (first !== undefined) return [first.scheme];
  const hasTls = tls === 'originate' || serverName !== undefined;
  return hasTls || Object.keys(certificates.members).length > 0 ? ['https'] : ['https', 'http'];
}

/**
 * The members of the first of `schemes` that has any. If none has, rejects with one clause for people.
 */
export async function findSrvMembers(
  domain: string,
  schemes: readonly Scheme[],
  resolve: Dns['srv'],
): Promise<Place[]> {
  const failures: string[] = [];
  for (const scheme of schemes) {
    const name = `${services[scheme]}.${domain}`;
    const found = await resolve(name).then((records) => placesOf(records, scheme), whyNone);
    if (typeof found !== 'string') return found;
    failures.push(`${name}${found}`);
  }
  throw new Error(failures.join(', '));
}

/** The members that records name, or why they name none: a text that follows the name of the records. */
function placesOf(records: readonly SrvRecord[], scheme: Scheme): Place[] | string {
  if (records.length === 0) return ' has no record';
  if (records.length > mostMembers) {
    return ` has ${records.length} records, more than the ${mostMembers} members of any cluster`;
  }
  const targets = records.filter((record) => !isNoService(record));
  if (targets.length === 0) return ' says that there is no such service';
  const places = targets
    .flatMap(({ name, port, priority, weight }) => {
      const host = hostOf(name, port);
      if (host === undefined) return [];
      // RFC 2782 asks for "a very small chance of being selected" with a weight of 0.
      const share = Math.max(1, weight);
      return [{ name: formatHostPort(host, port), scheme, host, port, priority, weight: share }];
    })
    .sort((a, b) => a.priority - b.priority || (a.name < b.name ? -1 : 1));
  return places.length > 0 ? places : ' leads to no host and port that anybody could connect to';
}

function whyNone(error: NodeJS.ErrnoException): string {
  if (error.code === 'ENOTFOUND' || error.code === 'ENODATA') return ' does not exist';
  return `: ${classify(error).detail}`;
}

/** "A Target of "." means that the service is decidedly not available at this domain" (RFC 2782). */
function isNoService({ name }: SrvRecord): boolean {
  return name === '' || name === '.';
}

/** The host as a setting spells it; `undefined` if no setting could: records may hold any bytes. */
function hostOf(target: string, port: number): string | undefined {
  try {
    const [endpoint, ...others] = parseEndpoints(`http://${formatHostPort(target, port)}`, 'http');
    return others.length > 0 ? undefined : endpoint?.host.replace(/\.$/, '');
  } catch {
    return undefined;
  }
}
