/**
 * Members from SRV records, as etcd's own clients find them: `_etcd-client-ssl._tcp.DOMAIN` for https
 * and `_etcd-client._tcp.DOMAIN` for http (etcd, "DNS discovery"; RFC 2782 for the records).
 */
import type { SrvRecord } from 'node:dns';
import { classify } from '../cluster/failure.ts';
import type { Endpoint, Scheme } from '../config/endpoint.ts';
import { formatHostPort } from '../config/host-port.ts';
import type { Settings } from '../config/settings.ts';
import { safeText } from '../lib/safe-text.ts';
import type { Place } from './place.ts';

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
      const records = await resolve(name);
      if (records.length > 0) return placesFrom(records, scheme);
      failures.push(`${name} has no record`);
    } catch (error) {
      failures.push(explain(name, error));
    }
  }
  throw new Error(failures.join(', '));
}

/** Exported for tests. */
export function placesFrom(records: readonly SrvRecord[], scheme: Scheme): Place[] {
  return records
    .map(({ name, port, priority, weight }) => {
      const host = safeText(name).toLowerCase().replace(/\.$/, '');
      // "A small chance of being selected" is what RFC 2782 asks for a weight of 0.
      return {
        name: formatHostPort(host, port),
        scheme,
        host,
        port,
        priority,
        weight: Math.max(1, weight),
      };
    })
    .sort((a, b) => a.priority - b.priority || (a.name < b.name ? -1 : 1));
}

function explain(name: string, error: unknown): string {
  const { code } = error as NodeJS.ErrnoException;
  if (code === 'ENOTFOUND' || code === 'ENODATA') return `${name} does not exist`;
  return `${name}: ${classify(error).detail}`;
}
