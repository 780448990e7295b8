/**
 * Findings about certificates: what expires, who may read the keys, and whether clients can verify whom
 * they reach. Clients look for the name that *they* dialled, the balancer's. Where TLS passes through,
 * the certificate of whichever member answers must carry it; where we speak TLS with clients, ours.
 *
 * Pure; the files were read by config/, the members' certificates by gather.ts.
 */
import type { X509Certificate } from 'node:crypto';
import { isIP } from 'node:net';
import { type Certificates, certificatesIn, type Secret } from '../../certificates/certificates.ts';
import type { Settings } from '../../config/settings.ts';
import type { ListenAddress } from '../../config/values/listen.ts';
import { roughTime } from '../../lib/text/quantities.ts';
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
  const { observations, listen, tls, certificates, exposed, now } = input;
  const { members, clients } = certificates;
  const served = observations.flatMap((each) => {
    const certificate = each.clientPort.kind === 'open' ? each.clientPort.certificate : undefined;
    return certificate && isReachable(each) ? [{ subject: each.name, certificate }] : [];
  });
  const [shown] = certificatesIn(clients?.cert);
  const [own] = certificatesIn(members.cert);
  return [
    ...served.flatMap(({ subject, certificate }) => [
      ...findExpiry(certificate, now, { subject, ...ofMember }),
    ]),
    ...(tls === 'passthrough' ? served : []).flatMap(({ subject, certificate }) => [
      ...findNames(certificate, listen, { subject, ...ofMember }),
    ]),
    ...findExpiry(shown, now, ofBalancer),
    ...findNames(shown, listen, ofBalancer),
    ...findAuthorities('--client-ca', clients?.ca, now),
    ...findAuthorities('--cacert', members.ca, now),
    ...findExpiry(own, now, ofClient(tls)),
    ...findIdentity(own, input),
    ...exposed.map(findExposed),
  ];
}

/** The words of a finding about a certificate. */
interface Words {
  readonly subject: string;
  readonly what: string;
  /** Why its expiry matters, and what to do about it. */
  readonly why: string;
  readonly mend: string;
}

const ofMember = {
  what: 'the server certificate',
  why: 'From then on no client that verifies it can connect to this member.',
  mend: "Renew it and replace the file of etcd's --cert-file; with kubeadm: `kubeadm certs renew etcd-server`.",
  verified: 'this member through the balancer',
};

const ofBalancer = {
  subject: '--tls-cert',
  what: 'the certificate that clients see',
  why: 'From then on no client that verifies it can connect.',
  mend: 'Renew it and replace the files of --tls-cert and --tls-key; the balancer reads them again by itself.',
  verified: 'the balancer',
};

function ofClient(tls: Settings['tls']): Words {
  const lost =
    tls === 'passthrough'
      ? 'fails, and the balancer marks all members failed.'
      : 'and every connection to a member fails.';
  return {
    subject: '--cert',
    what: 'the client certificate',
    why: `From then on every health check ${lost}`,
    mend: 'Renew it and replace the files of --cert and --key; the balancer reads them again by itself.',
  };
}

/** Our own expired certificates are refused as wrong settings, so an error is about a member's. */
function* findExpiry(
  certificate: X509Certificate | undefined,
  now: number,
  { subject, what, why, mend }: Words,
): Iterable<Finding> {
  if (certificate === undefined || leftOf(certificate, now) > notice) return;
  const severity = leftOf(certificate, now) > 0 ? 'warning' : 'error';
  yield { severity, subject, seen: `${what} ${expiry(certificate, now)}`, why, mend };
}

/** @param verified what clients cannot verify where a name is missing. */
function* findNames(
  certificate: X509Certificate | undefined,
  listen: readonly ListenAddress[],
  { subject, what, verified }: Words & { readonly verified: string },
): Iterable<Finding> {
  const missing = hostsOf(listen).filter((host) => certificate && !isFor(certificate, host));
  if (missing.length === 0) return;
  const hosts = missing.join(' and ');
  yield {
    severity: 'warning',
    subject,
    seen: `${what} does not name ${hosts}, where --listen has the balancer`,
    why: `Clients that connect to ${hosts} cannot verify ${verified}.`,
    mend: `Reissue it with ${hosts} among its subject alternative names, or have clients use a name that it has and that leads to the balancer.`,
  };
}

/** Hosts that clients can dial: not wildcard addresses, and not Unix sockets. */
function hostsOf(listen: readonly ListenAddress[]): string[] {
  const hosts = listen.flatMap((address) => (address.kind === 'tcp' ? [address.host] : []));
  return [...new Set(hosts)].filter((host) => host !== '::' && host !== '0.0.0.0');
}

function isFor(certificate: X509Certificate, host: string): boolean {
  if (isIP(host) !== 0) return certificate.checkIP(host) !== undefined;
  // As in Go's clients, the subject's common name does not count.
  return certificate.checkHost(host, { subject: 'never' }) !== undefined;
}

/** With TLS of our own, etcd does not learn who a client is. */
function* findIdentity(
  own: X509Certificate | undefined,
  { tls, observations }: CertificateInput,
): Iterable<Finding> {
  const isSecure = observations.some(({ endpoint }) => endpoint.startsWith('https:'));
  if (tls === 'passthrough' || !isSecure || own === undefined) return;
  yield {
    severity: 'note',
    subject: `--tls ${tls}`,
    seen: `etcd sees the certificate of --cert, ${nameOf(own)}, for every client`,
    why: 'Where etcd has users and takes the common name of a certificate for one, all clients have the rights of this one.',
    mend: 'Give --cert the rights that clients need together, or have them bring user and password; --tls passthrough keeps each its own.',
  };
}

function findExposed({ path, what }: Secret): Finding {
  const isKey = what === 'private key';
  return {
    severity: 'warning',
    subject: path,
    seen: `every user of this machine may read or replace this ${what}`,
    why: isKey
      ? 'Whoever has it can pass for the balancer towards etcd or clients.'
      : 'Whoever has it can log in to etcd as the user of --user.',
    mend: `Take the rights away with \`chmod o-rwx ${path}\`, and make a new ${isKey ? 'key' : 'password'} if others were on this machine.`,
  };
}

/** Settings refuse a file whose authorities have all expired, so beside an expired one another is good. */
function findAuthorities(subject: string, ca: string | undefined, now: number): Finding[] {
  const ending = certificatesIn(ca).filter((authority) => leftOf(authority, now) <= notice);
  return ending.map((authority) => ({
    subject,
    seen: `the authority ${nameOf(authority)} ${expiry(authority, now)}`,
    ...(leftOf(authority, now) > 0
      ? {
          severity: 'warning',
          why: 'From then on nothing that it signed is accepted, neither members nor clients.',
          mend: 'Make a new authority, trust both for a while, then reissue what the old one signed.',
        }
      : {
          severity: 'note',
          why: 'What it signed is no longer accepted, and others in the file are still good.',
          mend: 'Take it out of the file.',
        }),
  }));
}

/** ms until it expires; below 0 after. */
function leftOf({ validToDate }: X509Certificate, now: number): number {
  return validToDate.getTime() - now;
}

/** `expires in 5 days, on 2026-01-05`, or `expired on 2026-01-05`. */
function expiry(certificate: X509Certificate, now: number): string {
  const left = leftOf(certificate, now);
  const date = certificate.validToDate.toISOString().slice(0, 10);
  return left > 0 ? `expires in ${roughTime(left / 1000)}, on ${date}` : `expired on ${date}`;
}

function nameOf({ subject }: X509Certificate): string {
  return subject?.replaceAll('\n', ', ') || 'without a name';
}
