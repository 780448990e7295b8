/** All findings about all subjects, from what was gathered. Pure. */
import type { Secret } from '../certificates/certificates.ts';
import type { Settings } from '../config/settings.ts';
import type { Known } from '../etcd/known-cluster.ts';
import { safeText } from '../lib/text/safe-text.ts';
import { type Finding, inOrder } from './finding.ts';
import type { Observation } from './observation.ts';
import { findInAdvertised } from './rules/advertised.ts';
import { findInCertificates } from './rules/certificates.ts';
import { findInClocks } from './rules/clocks.ts';
import { findInCluster } from './rules/cluster.ts';
import { findInDatabases } from './rules/database.ts';
import { findInFigures } from './rules/figures.ts';
import { findInMembers } from './rules/members.ts';

type ExamineSettings = Pick<Settings, 'listen' | 'tls' | 'certificates' | 'discovery'>;

/**
 * The worst first.
 *
 * @param exposed see `CertificateInput`.
 * @param now ms since the epoch.
 * @param served the cluster that the balancer has served, if it is known.
 */
export function examine(
  observations: readonly Observation[],
  { listen, tls, certificates, discovery }: ExamineSettings,
  exposed: readonly Secret[],
  now: number,
  served?: Known,
): Finding[] {
  const findings = [
    ...findInCluster(observations, discovery, served),
    ...findInMembers(observations),
    ...findInAdvertised(observations, discovery),
    ...findInDatabases(observations),
    ...findInCertificates({ observations, listen, tls, certificates, exposed, now }),
    ...findInFigures(observations),
    ...findInClocks(observations),
  ];
  // Much of the text comes from members: versions, names, subjects of certificates.
  return inOrder(findings.map(inSafeText));
}

function inSafeText({ severity, ...texts }: Finding): Finding {
  const safe = Object.entries(texts).map(([key, text]) => [key, safeText(text)]);
  return { severity, ...(Object.fromEntries(safe) as typeof texts) };
}
