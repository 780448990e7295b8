/** The names in a client's certificate, by which the client can be let in. */
import type { X509Certificate } from 'node:crypto';
import { isIP } from 'node:net';

/**
 * Does the certificate carry one of `names`, letter for letter, as a common name of its subject or as an
 * alternative name: a host, a URI, a mail address, or an IP address in any spelling?
 */
export function carriesOneOf(names: readonly string[], certificate: X509Certificate): boolean {
  const carried = new Set([...commonNames(certificate), ...alternativeNames(certificate)]);
  return names.some(
    (name) => carried.has(name) || (isIP(name) !== 0 && certificate.checkIP(name) !== undefined),
  );
}

function commonNames(certificate: X509Certificate): string[] {
  const { CN = [] } = certificate.toLegacyObject().subject ?? {};
  return typeof CN === 'string' ? [CN] : CN;
}

/**
 * Parses `DNS:a, URI:"spiffe://x, y", email:b@c`. A value that contains a separator is quoted, with JSON's
 * escapes.
 */
function alternativeNames({ subjectAltName = '' }: X509Certificate): string[] {
  const entries = subjectAltName.matchAll(/(?:^|, )([^:,"]+):("(?:[^"\\]|\\.)*"|[^,]*)/g);
  return [...entries].flatMap(([, kind = '', value = '']) => {
    if (!['DNS', 'URI', 'email'].includes(kind)) return [];
    return [value.startsWith('"') ? (JSON.parse(value) as string) : value];
  });
}
