/**
 * What is said of certificates, keys and handshakes. Owns the wording, as events.ts does for everything
 * else.
 */
import type { Secret } from '../../certificates/certificates.ts';
import type { CertificateSetting } from '../../certificates/expiry.ts';
import { count } from '../../lib/count.ts';
import type { SettingError } from '../../lib/setting-error.ts';
import type { HandshakeFailure } from '../../proxy/tls/downstream.ts';
import type { EventBody } from './event-log.ts';

/** Every user of this machine may read, or replace, a private key or a password. */
export function secretExposed({ path, what }: Secret): EventBody {
  return {
    level: 'warn',
    kind: 'key-exposed',
    message: `every user of this machine may read or replace the ${what} ${path}: chmod o-rwx it`,
    fields: { path },
  };
}

/** "certificate files have changed, and are in force from now on: tls-cert until 2026-01-05 …" */
export function certificatesRenewed(
  expiries: Readonly<Partial<Record<CertificateSetting, number>>>,
): EventBody {
  const dates = Object.entries(expiries).map(
    ([setting, at]) => `${setting} until ${new Date(at).toISOString()}`,
  );
  return {
    level: 'info',
    kind: 'certificates-renewed',
    message: `certificate files have changed, and are in force for new connections: ${dates.join(', ')}`,
    fields: { expiries },
  };
}

/** Told once for each state of the files. */
export function certificatesRefused({ setting, message }: SettingError): EventBody {
  return {
    level: 'error',
    kind: 'certificates-refused',
    message: `certificate files have changed and cannot be used, those of before stay in force: --${setting}: ${message}`,
    fields: { setting, reason: message },
  };
}

/** Told at most every few seconds, so `clients` is a number. */
export function handshakesFailed(reason: HandshakeFailure, clients: number): EventBody {
  const why = {
    'no-certificate': 'they showed no certificate, which --client-ca asks for',
    untrusted: 'their certificates are not accepted by --client-ca, or not valid now',
    'not-allowed': 'their certificates carry no name of --allow-client',
    rejected: 'they did not accept our certificate (--tls-cert)',
    protocol: 'what they sent is no TLS that is spoken here',
    timeout: 'they did not finish it in time',
    closed: 'they left before it was finished',
  }[reason];
  return {
    level: 'warn',
    kind: 'handshakes-failed',
    message: `the TLS handshake of ${count(clients, 'client')} failed: ${why}`,
    fields: { reason, clients },
  };
}
