/**
 * Members from SRV records, as etcd's own clients find them: `_etcd-client-ssl._tcp.DOMAIN` for https
 * and `_etcd-client._tcp.DOMAIN` for http (etcd, "DNS discovery"; RFC 2782 for the records).
 */
import type { SrvRecord } from 'node:dns';
import type { Settings } from '../../config/settings.ts';
import { type Endpoint, parseEndpoints, type Scheme } from '../../config/values/endpoint.ts';
import { mostMembers } from '../../etcd/status/member-status.ts';
import { classify } from '../../lib/net/failure.ts';
import { formatHostPort } from '../../lib/net/host-port.ts';
import type { Place } from '../place.ts';

/** Asks for the SRV records of a name; rejects as `dns.promises.resolveSrv`. */
export type ResolveSrv = (name: string) => Promise<readonly SrvRecord[]>;

const services: Readonly<Record<Scheme, string>> = {
  https: '_etcd-client-ssl._tcp',
  http: '_etcd-client._tcp',
};

/**
 * What members may speak, the better first: what the endpoints do, as all members must; without
 * endpoints https, or http where nothing asks for TLS.
 */
export function memberSchemes(endpoints: readonly Endpoint[], onlyHttps: boolean): Scheme[] {
  const [first] = endpoints;
  if (first !== undefined) return [first.scheme];
  return onlyHttps ? ['https'] : ['https', 'http'];
}

/** Do the settings ask for members with TLS? */
export function isHttps({
  tls,
  certificates,
  serverName,
}: Pick<Settings, 'tls' | 'certificates' | 'serverName'>): boolean {
  const isAsked = tls === 'originate' || serverName !== undefined;
  return isAsked || Object.keys(certificates.members).length > 0;
}

/**
 * The members of the first of `schemes` that has any. Rejects with one clause for people when none
 * has.
 */
export async function findSrvMembers(
  domain: string,
  schemes: readonly Scheme[],
  resolve: ResolveSrv,
): Promise<Place[]> {
  const failures: string[] = [];
  for (const scheme of schemes) {
    const name = `${services[scheme]}.${domain}`;
    try {
      return placesIn(name, await resolve(name), scheme);
    } catch (error) {
      failures.push(explain(name, error));
    }
  }
  throw new Error(failures.join(', '));
}

/** Why an answer names no member; `message` is one clause. */
class NoMember extends Error {}

function placesIn(name: string, records: readonly SrvRecord[], scheme: Scheme): Place[] {
  if (records.length === 0) throw new NoMember(`${name} has no record`);
  if (records.length > mostMembers) {
    throw new NoMember(
      `${name} has ${records.length} records, more than the ${mostMembers} members of any cluster`,
    );
  }
  const targets = records.filter((record) => !isNoService(record));
  if (targets.length === 0) throw new NoMember(`${name} says that there is no such service`);
  const places = placesFrom(targets, scheme);
  if (places.length === 0) {
    throw new NoMember(`${name} leads to no host and port that anybody could connect to`);
  }
  return places;
}

/** "A Target of "." means that the service is decidedly not available at this domain" (RFC 2782). */
function isNoService({ name }: SrvRecord): boolean {
  return name === '' || name === '.';
}

/** Records hold any bytes; one that is no address is passed over. Exported for tests. */
export function placesFrom(records: readonly SrvRecord[], scheme: Scheme): Place[] {
  return records
    .flatMap(({ name, port, priority, weight }) => {
      const host = hostOf(name, port);
      if (host === undefined) return [];
      // "A small chance of being selected" is what RFC 2782 asks for a weight of 0.
      const share = Math.max(1, weight);
      return [{ name: formatHostPort(host, port), scheme, host, port, priority, weight: share }];
    })
    .sort((a, b) => a.priority - b.priority || (a.name < b.name ? -1 : 1));
}

/** As settings spell it; `undefined` for what could not stand in a setting. */
function hostOf(target: string, port: number): string | undefined {
  try {
    const [endpoint, ...others] = parseEndpoints(`http://${formatHostPort(target, port)}`, 'http');
    return others.length > 0 ? undefined : endpoint?.host.replace(/\.$/, '');
  } catch {
    return undefined;
  }
}

function explain(name: string, error: unknown): string {
  if (error instanceof NoMember) return error.message;
  const { code } = error as NodeJS.ErrnoException;
  if (code === 'ENOTFOUND' || code === 'ENODATA') return `${name} does not exist`;
  return `${name}: ${classify(error).detail}`;
}
