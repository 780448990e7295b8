/**
 * Findings about certificates: what expires, who may read the keys, and whether clients can verify whom
 * they reach. They compare the name that *they* dialled, the balancer's: with the certificate of
 * whichever member answers where TLS passes through, and with ours where we end it.
 *
 * Pure; the files were read by config/, the members' certificates by gather.ts.
 */
import { X509Certificate } from 'node:crypto';
import { isIP } from 'node:net';
import type { Certificates, Secret } from '../../certificates/certificates.ts';
import type { Settings } from '../../config/settings.ts';
import type { ListenAddress } from '../../config/values/listen.ts';
import { roughTime } from '../../lib/quantities.ts';
import type { Finding } from '../finding.ts';
import { isReachable, type Observation } from '../observation.ts';

/** Time enough to renew, ms. */
const notice = 30 * 24 * 3_600_000;

export interface CertificateInput {
  readonly observations: readonly Observation[];
  readonly listen: readonly ListenAddress[];
  readonly tls: Settings['tls'];
  readonly certificates: Certificates;
  /** Files that every user may read, and nobody else should. */
  readonly exposed: readonly Secret[];
  /** ms since the epoch. */
  readonly now: number;
}

export function findInCertificates(input: CertificateInput): Finding[] {
  const { observations, listen, tls, certificates, now } = input;
  const { members, clients } = certificates;
  const served = observations.flatMap((each) => {
    const { name, clientPort } = each;
    const certificate = clientPort.kind === 'open' ? clientPort.certificate : undefined;
    return certificate !== undefined && isReachable(each) ? [{ name, certificate }] : [];
  });
  return [
    ...served.flatMap(({ name, certificate }) => findServerExpiry(name, certificate, now)),
    ...(tls === 'passthrough'
      ? served.flatMap(({ name, certificate }) => findNames(name, certificate, listen))
      : []),
    ...findShown(clients?.cert, listen, now),
    ...findAuthorities('--client-ca', clients?.ca, now),
    ...findAuthorities('--cacert', members.ca, now),
    ...findOwn(tls, members.cert, now),
    ...findIdentity(input),
    ...input.exposed.map(findExposed),
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

/** What clients see of us. One that has expired is refused as a wrong setting. */
function findShown(cert: string | undefined, listen: readonly ListenAddress[], now: number) {
  const findings: Finding[] = [];
  const [shown] = certificatesIn(cert);
  if (shown === undefined) return findings;
  const subject = '--tls-cert';
  if (shown.validToDate.getTime() - now <= notice) {
    findings.push({
      severity: 'warning',
      subject,
      seen: `the certificate that clients see ${expiry(shown, now)}`,
      why: 'From then on no client that verifies it can connect.',
      mend: 'Renew it and replace the files of --tls-cert and --tls-key; they are read again by themselves.',
    });
  }
  const missing = hostsOf(listen).filter((host) => !isFor(shown, host));
  if (missing.length > 0) {
    const hosts = missing.join(' and ');
    findings.push({
      severity: 'warning',
      subject,
      seen: `the certificate that clients see does not name ${hosts}, where --listen has the balancer`,
      why: `Clients that connect to ${hosts} cannot verify the balancer.`,
      mend: `Reissue it with ${hosts} among its subject alternative names, or have clients use a name that it has and that leads to the balancer.`,
    });
  }
  return findings;
}

/** With TLS of our own, who a client is ends here. */
function findIdentity({ tls, certificates, observations }: CertificateInput): Finding[] {
  const isSecure = observations.some(({ endpoint }) => endpoint.startsWith('https:'));
  const [own] = certificatesIn(certificates.members.cert);
  if (tls === 'passthrough' || !isSecure || own === undefined) return [];
  return [
    {
      severity: 'note',
      subject: `--tls ${tls}`,
      seen: `etcd sees the certificate of --cert, ${nameOf(own)}, for every client`,
      why: 'Where etcd has users and takes the common name of a certificate for one, all clients have the rights of this one.',
      mend: 'Give --cert the rights that clients need together, or have them bring user and password; --tls passthrough keeps each its own.',
    },
  ];
}

function findExposed({ path, what }: Secret): Finding {
  const isKey = what === 'private key';
  return {
    severity: 'warning',
    subject: path,
    seen: `every user of this machine may read or replace this ${what}`,
    why: isKey
      ? 'Whoever has it is the balancer to etcd or to clients.'
      : 'Whoever has it is the user of --user to etcd.',
    mend: `Take the rights away with \`chmod o-rwx ${path}\`, and make a new ${isKey ? 'key' : 'password'} if others were on this machine.`,
  };
}

function findAuthorities(subject: string, ca: string | undefined, now: number): Finding[] {
  return certificatesIn(ca).flatMap((authority): Finding[] => {
    const left = authority.validToDate.getTime() - now;
    if (left > notice) return [];
    const seen = `the authority ${nameOf(authority)} ${expiry(authority, now)}`;
    // All of them expired is refused as a wrong setting: another one is still good.
    return left > 0
      ? [
          {
            severity: 'warning',
            subject,
            seen,
            why: 'From then on nothing that it signed is accepted, neither members nor clients.',
            mend: 'Make a new authority, trust both for a while, then reissue what the old one signed.',
          },
        ]
      : [
          {
            severity: 'note',
            subject,
            seen,
            why: 'What it signed is no longer accepted, and others in the file are still good.',
            mend: 'Take it out of the file.',
          },
        ];
  });
}

/** One that has expired is refused as a wrong setting. */
function findOwn(tls: Settings['tls'], cert: string | undefined, now: number): Finding[] {
  const [own] = certificatesIn(cert);
  if (own === undefined || own.validToDate.getTime() - now > notice) return [];
  return [
    {
      severity: 'warning',
      subject: '--cert',
      seen: `the client certificate ${expiry(own, now)}`,
      why:
        tls === 'passthrough'
          ? 'From then on every health check fails, and the balancer takes all members for failed.'
          : 'From then on every health check and every connection to a member fails.',
      mend: 'Renew it and replace the files of --cert and --key; they are read again by themselves.',
    },
  ];
}

function certificatesIn(pem = ''): X509Certificate[] {
  const blocks = pem.match(/-----BEGIN CERTIFICATE-----[\s\S]*?-----END CERTIFICATE-----/g) ?? [];
  return blocks.map((block) => new X509Certificate(block));
}

/** `expires in 5 days, on 2026-01-05`, or `expired on 2026-01-05`. */
function expiry({ validToDate }: X509Certificate, now: number): string {
  const left = validToDate.getTime() - now;
  const date = validToDate.toISOString().slice(0, 10);
  return left > 0 ? `expires in ${roughTime(left / 1000)}, on ${date}` : `expired on ${date}`;
}

function nameOf({ subject }: X509Certificate): string {
  return subject?.replaceAll('\n', ', ') || 'without a name';
}
