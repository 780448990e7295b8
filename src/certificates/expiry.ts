/** When the certificates in use expire. */
import { type CertificateFiles, type Certificates, certificatesIn } from './certificates.ts';

/** The setting that names a file of certificates. Used as a metric label. */
export type CertificateSetting = 'tls-cert' | 'client-ca' | 'cacert' | 'cert';

/** A file of certificates that is in use. */
export interface CertificateInUse {
  readonly setting: CertificateSetting;
  readonly path: string;
  /** ms since the epoch; see `expiriesOf`. */
  readonly expiry: number;
}

/** All expiries of a file, in its order. */
type Expiries = Readonly<Record<CertificateSetting, readonly number[]>>;

/** Certificates are parsed once: the status is taken each second, and they change each few months. */
const parsed = new WeakMap<Certificates, Expiries>();

/**
 * In ms since the epoch, for each file that is given. Of several authorities the next one to expire
 * after `now` counts: an expired one beside it does no harm.
 */
export function expiriesOf(
  certificates: Certificates,
  now: number,
): Partial<Record<CertificateSetting, number>> {
  const all = parsed.get(certificates) ?? allExpiriesIn(certificates);
  parsed.set(certificates, all);
  const given = {
    // A chain begins with the leaf.
    'tls-cert': all['tls-cert'][0],
    'client-ca': nextExpiry(all['client-ca'], now),
    cacert: nextExpiry(all.cacert, now),
    cert: all.cert[0],
  };
  return Object.fromEntries(Object.entries(given).filter(([, expiry]) => expiry !== undefined));
}

/** The files that are given, with the expiry of each at `now`, ms since the epoch. */
export function certificatesInUse(
  certificates: Certificates,
  { tlsCert, clientCa, cacert, cert }: CertificateFiles,
  now: number,
): readonly CertificateInUse[] {
  const paths = { 'tls-cert': tlsCert, 'client-ca': clientCa, cacert, cert };
  return Object.entries(expiriesOf(certificates, now)).map(([setting, expiry]) => ({
    setting: setting as CertificateSetting,
    path: paths[setting as CertificateSetting] ?? '',
    expiry,
  }));
}

function allExpiriesIn({ members, clients }: Certificates): Expiries {
  return {
    'tls-cert': expiriesIn(clients?.cert),
    'client-ca': expiriesIn(clients?.ca),
    cacert: expiriesIn(members.ca),
    cert: expiriesIn(members.cert),
  };
}

function nextExpiry(all: readonly number[], now: number): number | undefined {
  const next = all.filter((expiry) => expiry > now);
  if (all.length === 0) return undefined;
  return next.length > 0 ? Math.min(...next) : Math.max(...all);
}

function expiriesIn(pem: string | undefined): number[] {
  return certificatesIn(pem).map(({ validToDate }) => validToDate.getTime());
}
