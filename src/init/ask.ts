/** Asks members once for their status, and for the cluster's list. Read only. */
import { loadCertificates, memberTls, type TlsMaterial } from '../certificates/certificates.ts';
import type { Endpoint } from '../config/values/endpoint.ts';
import { EtcdClient } from '../etcd/etcd-client.ts';
import type { PollResult } from '../etcd/status/member-status.ts';
import { ConfigError, SettingError } from '../lib/setting-error.ts';
import type { GivenFiles } from './certificates.ts';

/** Bound on each question, ms. */
const timeout = 2_000;

/**
 * The answers, in the order of the endpoints. Certificates that cannot be used are an answer too.
 *
 * @param files paths as they are on this machine.
 */
export async function ask(
  endpoints: readonly Endpoint[],
  files: GivenFiles,
): Promise<readonly PollResult[]> {
  let material: TlsMaterial;
  try {
    material = loadCertificates(files).members;
  } catch (error) {
    if (!(error instanceof SettingError)) throw error;
    const why = error.message;
    return endpoints.map(() => ({ kind: 'unknown', why }));
  }
  return Promise.all(endpoints.map((endpoint) => askOne(endpoint, material)));
}

/** Throws `ConfigError` when files that somebody named cannot be used. */
export function requireUsable(files: GivenFiles): void {
  try {
    loadCertificates(files);
  } catch (error) {
    if (!(error instanceof SettingError)) throw error;
    throw new ConfigError(`--${error.setting}: ${error.message}.`);
  }
}

async function askOne(endpoint: Endpoint, material: TlsMaterial): Promise<PollResult> {
  const tls = memberTls(material, undefined);
  const client = new EtcdClient({ ...endpoint, tls: () => tls, timeout });
  try {
    return { kind: 'known', status: await client.status() };
  } catch (error) {
    return { kind: 'unknown', why: (error as Error).message };
  } finally {
    client.close();
  }
}
