/** When the certificates in use expire. */
import { type Certificates, certificatesIn } from './certificates.ts';

/** The setting that names a file of certificates. Used as a metric label. */
export type CertificateSetting = 'tls-cert' | 'client-ca' | 'cacert' | 'cert';

/**
 * In ms since the epoch, for each file that is given. Of several authorities the next one to expire
 * after `now` counts: an expired one beside it does no harm.
 */
export function expiriesOf(
  { members, clients }: Certificates,
  now: number,
): Partial<Record<CertificateSetting, number>> {
  const given = {
    // A chain begins with the leaf.
    'tls-cert': expiriesIn(clients?.cert)[0],
    'client-ca': nextExpiry(clients?.ca, now),
    cacert: nextExpiry(members.ca, now),
    cert: expiriesIn(members.cert)[0],
  };
  return Object.fromEntries(Object.entries(given).filter(([, expiry]) => expiry !== undefined));
}

function nextExpiry(pem: string | undefined, now: number): number | undefined {
  const all = expiriesIn(pem);
  const next = all.filter((expiry) => expiry > now);
  if (all.length === 0) return undefined;
  return next.length > 0 ? Math.min(...next) : Math.max(...all);
}

function expiriesIn(pem: string | undefined): number[] {
  return certificatesIn(pem).map(({ validToDate }) => validToDate.getTime());
}
