/** All findings of all subjects, from what was gathered. Pure. */
import type { Settings } from '../config/settings.ts';
import { findInAdvertised } from './advertised.ts';
import { findInCertificates } from './certificates.ts';
import { findInClocks } from './clocks.ts';
import { findInCluster } from './cluster.ts';
import { findInDatabases } from './database.ts';
import { findInFigures } from './figures.ts';
import { type Finding, inOrder } from './finding.ts';
import { findInMembers } from './members.ts';
import type { Observation } from './observation.ts';

type ExamineSettings = Pick<Settings, 'listen' | 'tls' | 'certificates' | 'discovery'>;

/**
 * The worst first.
 *
 * @param exposedKeys see `CertificateInput`.
 * @param now ms since the epoch.
 */
export function examine(
  observations: readonly Observation[],
  { listen, tls, certificates, discovery }: ExamineSettings,
  exposedKeys: readonly string[],
  now: number,
): Finding[] {
  return inOrder([
    ...findInCluster(observations, discovery),
    ...findInMembers(observations),
    ...findInAdvertised(observations, discovery),
    ...findInDatabases(observations),
    ...findInCertificates({ observations, listen, tls, certificates, exposedKeys, now }),
    ...findInFigures(observations),
    ...findInClocks(observations),
  ]);
}
