/** Sentences about certificates, keys and handshakes. */
import type { Secret } from '../../../certificates/certificates.ts';
import type { CertificateSetting } from '../../../certificates/expiry.ts';
import { count } from '../../../lib/text/count.ts';
import type { HandshakeFailure } from '../../../proxy/tls/downstream.ts';
import { error, info, warn } from './sentence.ts';

const whyFailed: Readonly<Record<HandshakeFailure, string>> = {
  'no-certificate': 'they showed no certificate, which --client-ca asks for',
  untrusted: 'their certificates are not accepted by --client-ca, or not valid now',
  'not-allowed': 'their certificates carry no name of --allow-client',
  rejected: 'they did not accept our certificate (--tls-cert)',
  protocol: 'they sent no TLS that is supported',
  timeout: 'they did not finish it in time',
  closed: 'they left before it was finished',
};

export const tlsEvents = {
  /** Every user of this machine may read, or replace, a private key or a password. */
  'key-exposed': ({ path, what }: Secret) =>
    warn(`every user of this machine may read or replace the ${what} ${path}: chmod o-rwx it`, {
      path,
    }),
  /** "certificate files have changed, and are used for new connections: tls-cert until 2026-01-05 …" */
  'certificates-renewed': (renewed: {
    expiries: Readonly<Partial<Record<CertificateSetting, number>>>;
  }) => {
    const dates = Object.entries(renewed.expiries).map(
      ([setting, at]) => `${setting} until ${new Date(at).toISOString()}`,
    );
    return info(
      `certificate files have changed, and are used for new connections: ${dates.join(', ')}`,
      { expiries: renewed.expiries },
    );
  },
  /** Recorded once for each state of the files. */
  'certificates-refused': ({ setting, why }: { setting: string; why: string }) =>
    error(
      `certificate files have changed and cannot be used; the previous certificates stay in use: --${setting}: ${why}`,
      { setting, reason: why },
    ),
  /** Throttled, so `clients` is a number. */
  'handshakes-failed': ({ reason, clients }: { reason: HandshakeFailure; clients: number }) =>
    warn(`the TLS handshake of ${count(clients, 'client')} failed: ${whyFailed[reason]}`, {
      ...{ reason, clients },
    }),
};
