/** The names that a client's certificate carries, by which it can be let in. */
import type { X509Certificate } from 'node:crypto';
import { isIP } from 'node:net';

/**
 * Does it carry one of `names`, letter for letter, as a common name of its subject or as an alternative
 * name: of a host, a URI, a mail address, or an IP address in any spelling?
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
 * From `DNS:a, URI:"spiffe://x, y", email:b@c`: a value in which something could be taken for the next
 * one is quoted as JSON has it.
 */
function alternativeNames({ subjectAltName = '' }: X509Certificate): string[] {
  const entries = subjectAltName.matchAll(/(?:^|, )([^:,"]+):("(?:[^"\\]|\\.)*"|[^,]*)/g);
  return [...entries].flatMap(([, kind = '', value = '']) => {
    if (!['DNS', 'URI', 'email'].includes(kind)) return [];
    return [value.startsWith('"') ? (JSON.parse(value) as string) : value];
  });
}
