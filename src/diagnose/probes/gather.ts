/**
 * Asks all members at the same time, each once, for its health, status, metrics, clock and certificate.
 * Read only: nothing in the cluster changes.
 *
 * Owns who is asked what, and how long that may take. The asking is done by metrics-page.ts,
 * client-port.ts, and the balancer's own probe.ts and etcd-client.ts.
 */
import dns from 'node:dns';
import type { LookupFunction } from 'node:net';
import { type MemberTls, memberTls } from '../../certificates/certificates.ts';
import type { Settings } from '../../config/settings.ts';
import { checkUrlOf, type Endpoint, formatEndpoint } from '../../config/values/endpoint.ts';
import { EtcdClient } from '../../etcd/etcd-client.ts';
import type { PollResult } from '../../etcd/status/member-status.ts';
import { Probe } from '../../health/probe.ts';
import type { CheckResult } from '../../health/state/check-result.ts';
import { SettingError } from '../../lib/setting-error.ts';
import { findSrvMembers, memberSchemes } from '../../members/discovery/srv.ts';
import { systemDns } from '../../members/discovery/system-dns.ts';
import type { Observation } from '../observation.ts';
import { tryClientPort } from './client-port.ts';
import { readMetricsPage } from './metrics-page.ts';

export type GatherSettings = Pick<
  Settings,
  'endpoints' | 'discoverySrv' | 'tls' | 'certificates' | 'serverName' | 'checkUrl' | 'etcdUser'
>;

/** Bound on each question, ms. */
const timeout = 2_000;

/**
 * In the order of the endpoints, then of those that SRV records name. A question that a member does not
 * answer is part of its observation. Rejects with a `SettingError` only when there is nobody to ask.
 */
export async function gather(settings: GatherSettings): Promise<Observation[]> {
  const { endpoints } = settings;
  const places = [...endpoints, ...(await endpointsFromDns(settings))];
  return Promise.all(places.map((endpoint) => observe(endpoint, settings)));
}

async function endpointsFromDns(settings: GatherSettings): Promise<Endpoint[]> {
  const { discoverySrv } = settings;
  if (discoverySrv === undefined) return [];
  try {
    return await findSrvMembers(discoverySrv, memberSchemes(settings), systemDns.srv);
  } catch (error) {
    throw new SettingError(
      'discovery-srv',
      `${(error as Error).message}; write a domain whose SRV records name etcd members`,
    );
  }
}

async function observe(
  endpoint: Endpoint,
  { certificates, serverName, checkUrl, etcdUser: user }: GatherSettings,
): Promise<Observation> {
  const tls = memberTls(certificates.members, serverName);
  const url = checkUrlOf(endpoint, checkUrl);
  const [health, clientPort, poll, page] = await Promise.all([
    probeHealth(url, tls),
    tryClientPort(endpoint, tls, timeout),
    pollStatus(endpoint, tls, user),
    readMetricsPage({ url, tls, timeout }),
  ]);
  const { name } = endpoint;
  return { name, endpoint: formatEndpoint(endpoint), health, clientPort, poll, ...page };
}

/** The same probe as the balancer's. */
async function probeHealth(url: string, tls: MemberTls): Promise<CheckResult> {
  const never = (): boolean => false;
  const probe = new Probe({ url, tls: () => tls, lookup, isSelf: never, hasStalled: never });
  try {
    return await probe.check(timeout, () => {});
  } finally {
    probe.close();
  }
}

async function pollStatus(
  endpoint: Endpoint,
  tls: MemberTls,
  user: Settings['etcdUser'],
): Promise<PollResult> {
  const client = new EtcdClient({ ...endpoint, tls: () => tls, timeout, ...(user && { user }) });
  try {
    return { kind: 'known', status: await client.status() };
  } catch (error) {
    return { kind: 'unknown', why: (error as Error).message };
  } finally {
    client.close();
  }
}

const lookup: LookupFunction = (name, options, callback) => dns.lookup(name, options, callback);
