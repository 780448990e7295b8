/**
 * Findings about certificates: what expires, and whether clients can verify a member through the
 * balancer. TLS passes through it, so that clients compare the name that *they* dialled, the
 * balancer's, with the certificate of whichever member answers.
 *
 * Pure; the certificates were read by config/ and gather.ts.
 */
import { X509Certificate } from 'node:crypto';
import { isIP } from 'node:net';
import type { TlsMaterial } from '../config/certificates.ts';
import type { ListenAddress } from '../config/listen.ts';
import type { Finding } from './finding.ts';
import { isReachable, type Observation } from './observation.ts';
import { timeInWords } from './quantities.ts';

/** Time enough to renew, ms. */
const notice = 30 * 24 * 3_600_000;

export interface CertificateInput {
  readonly observations: readonly Observation[];
  readonly listen: readonly ListenAddress[];
  readonly tls: TlsMaterial;
  /** ms since the epoch. */
  readonly now: number;
}

export function findInCertificates({ observations, listen, tls, now }: CertificateInput) {
  const served = observations.flatMap((each) => {
    const { name, clientPort } = each;
    const certificate = clientPort.kind === 'open' ? clientPort.certificate : undefined;
    return certificate !== undefined && isReachable(each) ? [{ name, certificate }] : [];
  });
  return [
    ...served.flatMap(({ name, certificate }) => findServerExpiry(name, certificate, now)),
    ...served.flatMap(({ name, certificate }) => findNames(name, certificate, listen)),
    ...findAuthorities(tls, now),
    ...findOwn(tls, now),
  ];
}

function findServerExpiry(subject: string, certificate: X509Certificate, now: number): Finding[] {
  const left = certificate.validToDate.getTime() - now;
  if (left > notice) return [];
  return [
    {
      severity: left > 0 ? 'warning' : 'error',
      subject,
      seen: `the server certificate ${expiry(certificate, now)}`,
      why: 'From then on no client that verifies it can connect to this member.',
      mend: "Renew it and replace the file of etcd's --cert-file; with kubeadm: `kubeadm certs renew etcd-server`.",
    },
  ];
}

function findNames(
  subject: string,
  certificate: X509Certificate,
  listen: readonly ListenAddress[],
): Finding[] {
  const missing = hostsOf(listen).filter((host) => !isFor(certificate, host));
  if (missing.length === 0) return [];
  const hosts = missing.join(' and ');
  return [
    {
      severity: 'warning',
      subject,
      seen: `the server certificate does not name ${hosts}, where --listen has the balancer`,
      why: `Clients that connect to ${hosts} cannot verify this member through the balancer.`,
      mend: `Reissue the certificate with ${hosts} among its subject alternative names, or have clients use a name that it has and that leads to the balancer.`,
    },
  ];
}

/** Hosts that clients can connect to; every address, and Unix sockets, are none. */
function hostsOf(listen: readonly ListenAddress[]): string[] {
  const hosts = listen.flatMap((address) => (address.kind === 'tcp' ? [address.host] : []));
  return [...new Set(hosts)].filter((host) => host !== '::' && host !== '0.0.0.0');
}

function isFor(certificate: X509Certificate, host: string): boolean {
  if (isIP(host) !== 0) return certificate.checkIP(host) !== undefined;
  // As Go's clients do it, the subject's common name is not looked at.
  return certificate.checkHost(host, { subject: 'never' }) !== undefined;
}

function findAuthorities({ ca = '' }: TlsMaterial, now: number): Finding[] {
  return certificatesIn(ca).flatMap((authority): Finding[] => {
    const left = authority.validToDate.getTime() - now;
    if (left > notice) return [];
    const seen = `the authority ${nameOf(authority)} ${expiry(authority, now)}`;
    // All of them expired is refused as a wrong setting: another one is still good.
    return left > 0
      ? [
          {
            severity: 'warning',
            subject: '--cacert',
            seen,
            why: 'From then on nothing that it signed is accepted, neither members nor clients.',
            mend: 'Make a new authority, trust both for a while, then reissue what the old one signed.',
          },
        ]
      : [
          {
            severity: 'note',
            subject: '--cacert',
            seen,
            why: 'What it signed is no longer accepted, and others in the file are still good.',
            mend: 'Take it out of the file.',
          },
        ];
  });
}

/** One that has expired is refused as a wrong setting. */
function findOwn({ cert = '' }: TlsMaterial, now: number): Finding[] {
  const [own] = certificatesIn(cert);
  if (own === undefined || own.validToDate.getTime() - now > notice) return [];
  return [
    {
      severity: 'warning',
      subject: '--cert',
      seen: `the client certificate ${expiry(own, now)}`,
      why: 'From then on every health check fails, and the balancer takes all members for failed.',
      mend: 'Renew it and replace the files of --cert and --key, then restart etcd-lb.',
    },
  ];
}

function certificatesIn(pem: string): X509Certificate[] {
  const blocks = pem.match(/-----BEGIN CERTIFICATE-----[\s\S]*?-----END CERTIFICATE-----/g) ?? [];
  return blocks.map((block) => new X509Certificate(block));
}

/** `expires in 5 days, on 2026-01-05`, or `expired on 2026-01-05`. */
function expiry({ validToDate }: X509Certificate, now: number): string {
  const left = validToDate.getTime() - now;
  const date = validToDate.toISOString().slice(0, 10);
  return left > 0 ? `expires in ${timeInWords(left / 1000)}, on ${date}` : `expired on ${date}`;
}

function nameOf({ subject }: X509Certificate): string {
  return subject?.replaceAll('\n', ', ') || 'without a name';
}
