/**
 * Gathers: asks all members at the same time, each once for its health, its state, its metrics, its
 * clock and its certificate. Read only; nothing of the cluster is changed.
 *
 * Owns who is asked what, and how long that may take. How the metrics and the client port are asked is
 * metrics-page.ts and client-port.ts, the rest the room cluster/.
 */
import dns from 'node:dns';
import type { LookupFunction } from 'node:net';
import { type MemberTls, memberTls } from '../../certificates/certificates.ts';
import type { Settings } from '../../config/settings.ts';
import { checkUrlOf } from '../../config/values/check-url.ts';
import { type Endpoint, formatEndpoint } from '../../config/values/endpoint.ts';
import { EtcdClient } from '../../etcd/etcd-client.ts';
import type { PollResult } from '../../etcd/status/member-status.ts';
import { Probe } from '../../health/probe.ts';
import type { CheckResult } from '../../health/state/check-result.ts';
import { SettingError } from '../../lib/setting-error.ts';
import { findSrvMembers, isHttps, memberSchemes } from '../../members/discovery/srv.ts';
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
 * In the order of the endpoints, and of those that SRV records name. What a member cannot be asked is
 * part of what is seen; rejects with a `Refusal` only when there is nobody to ask.
 */
export async function gather(settings: GatherSettings): Promise<Observation[]> {
  const { endpoints } = settings;
  const places = [...endpoints, ...(await namedByDns(settings))];
  return Promise.all(places.map((endpoint) => observe(endpoint, settings)));
}

async function namedByDns({
  endpoints,
  discoverySrv,
  ...rest
}: GatherSettings): Promise<Endpoint[]> {
  if (discoverySrv === undefined) return [];
  const schemes = memberSchemes(endpoints, isHttps(rest));
  try {
    return await findSrvMembers(discoverySrv, schemes, systemDns.srv);
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
  const [health, clientPort, inspection, page] = await Promise.all([
    checkHealth(url, tls),
    tryClientPort(endpoint, tls, timeout),
    inspect(endpoint, tls, user),
    readMetricsPage({ url, tls, timeout }),
  ]);
  return {
    name: endpoint.name,
    endpoint: formatEndpoint(endpoint),
    health,
    clientPort,
    inspection,
    ...page,
  };
}

/** The same question as the balancer asks. */
async function checkHealth(url: string, tls: MemberTls): Promise<CheckResult> {
  const probe = new Probe({
    url,
    tls: () => tls,
    lookup,
    isSelf: () => false,
    hasStalled: () => false,
  });
  try {
    return await probe.check(timeout, () => {});
  } finally {
    probe.close();
  }
}

async function inspect(
  { scheme, host, port }: Endpoint,
  tls: MemberTls,
  user: Settings['etcdUser'],
): Promise<PollResult> {
  const client = new EtcdClient({
    scheme,
    host,
    port,
    tls: () => tls,
    timeout,
    ...(user && { user }),
  });
  try {
    return { kind: 'known', status: await client.status() };
  } catch (error) {
    return { kind: 'unknown', why: (error as Error).message };
  } finally {
    client.close();
  }
}

const lookup: LookupFunction = (name, options, callback) => dns.lookup(name, options, callback);
