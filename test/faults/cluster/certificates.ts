/** Certificates of a cluster whose members speak mutual TLS, gone with it and with the process. */
import { rmSync } from 'node:fs';
import { type Certificates, createCertificates } from '../../support/certificates.ts';

/** Names by which a fault gives members to a balancer, see fault/names.ts. */
const memberNames = ['m0', 'm1', 'm2', 'm3', 'm4'].map((name) => `${name}.etcd.test`);

/** @param addresses of members, beside those of loopback. */
export async function clusterCertificates(
  addresses: readonly string[],
  parts: AsyncDisposableStack,
): Promise<Certificates> {
  const certificates = parts.use(await createCertificates([...memberNames, ...addresses]));
  const remove = () => rmSync(certificates.folder, { recursive: true, force: true });
  process.once('exit', remove);
  parts.defer(() => void process.off('exit', remove));
  return certificates;
}
