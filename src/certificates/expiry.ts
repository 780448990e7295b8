/** When the certificates that are in force expire. */
import { X509Certificate } from 'node:crypto';
import type { Certificates } from './certificates.ts';

/** The setting that names a file of certificates. Used as a metric label. */
export type CertificateSetting = 'tls-cert' | 'client-ca' | 'cacert' | 'cert';

/**
 * In ms since the epoch, for each file that is given. Of several authorities the next one that expires
 * counts, at `now`: an old one beside it that has expired harms nobody.
 */
export function expiriesOf(
  { members, clients }: Certificates,
  now: number,
): Partial<Record<CertificateSetting, number>> {
  const given = {
    'tls-cert': expiryOfFirst(clients?.cert),
    'client-ca': nextExpiry(clients?.ca, now),
    cacert: nextExpiry(members.ca, now),
    cert: expiryOfFirst(members.cert),
  };
  return Object.fromEntries(Object.entries(given).filter(([, expiry]) => expiry !== undefined));
}

/** Its own certificate comes first in a chain. */
function expiryOfFirst(pem: string | undefined): number | undefined {
  return expiriesIn(pem)[0];
}

function nextExpiry(pem: string | undefined, now: number): number | undefined {
  const all = expiriesIn(pem);
  const next = all.filter((expiry) => expiry > now);
  if (all.length === 0) return undefined;
  return next.length > 0 ? Math.min(...next) : Math.max(...all);
}

function expiriesIn(pem = ''): number[] {
  const blocks = pem.match(/-----BEGIN CERTIFICATE-----[\s\S]*?-----END CERTIFICATE-----/g) ?? [];
  return blocks.map((block) => new X509Certificate(block).validToDate.getTime());
}
