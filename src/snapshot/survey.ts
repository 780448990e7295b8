/**
 * Asks every member what the choice of one for a snapshot needs: is it healthy, who leads, how far is each. Read only.
 *
 * Owns who is asked. The asking is done by the balancer's own health/probe.ts and etcd/etcd-client.ts; choose.ts decides.
 */
import dns from 'node:dns';
import type { LookupFunction } from 'node:net';
import { type MemberTls, memberTls } from '../certificates/certificates.ts';
import type { Settings } from '../config/settings.ts';
import { checkUrlOf, type Endpoint } from '../config/values/endpoint.ts';
import { EtcdClient } from '../etcd/etcd-client.ts';
import type { MemberStatus } from '../etcd/status/member-status.ts';
import { Probe } from '../health/probe.ts';
import type { Candidate } from './choose.ts';
import type { Source } from './take.ts';

/** Bound on each question, ms. */
const timeout = 2_000;
/** For which a member may send nothing, ms. A member reads its disk before it sends. */
const patience = 10_000;

export type SurveySettings = Pick<
  Settings,
  'endpoints' | 'certificates' | 'serverName' | 'checkUrl' | 'etcdUser'
>;

/** A member with what is known of it, and how it is asked for its snapshot. */
export type Surveyed = Candidate & {
  readonly source: Source;
  /** Why it did not tell its status. */
  readonly unknown?: string;
};

/**
 * In the order of the endpoints. What a member does not answer is part of what is known. Never rejects.
 *
 * @param sessionsOf how many sessions a running balancer has with a member; 0 where none runs.
 */
export async function survey(
  settings: SurveySettings,
  sessionsOf: (endpoint: Endpoint) => number,
): Promise<Surveyed[]> {
  const asked = await Promise.all(settings.endpoints.map((each) => ask(each, settings)));
  const clusters = asked.map(({ status }) => status?.clusterId).filter((id) => id !== undefined);
  const usual = mostFrequent(clusters);
  return asked.map(({ endpoint, passes, status, source, unknown }) => ({
    name: endpoint.name,
    isHealthy: passes && (status === undefined || isSound(status, usual)),
    isLearner: status?.isLearner ?? false,
    isLeader: status !== undefined && status.leaderId === status.memberId,
    appliedIndex: status?.appliedIndex,
    sessions: sessionsOf(endpoint),
    source,
    ...(unknown !== undefined && { unknown }),
  }));
}

function isSound({ clusterId, memberId, alarms }: MemberStatus, cluster: string | undefined) {
  const isCorrupt = alarms.some((alarm) => alarm.kind === 'CORRUPT' && alarm.memberId === memberId);
  return clusterId === cluster && !isCorrupt;
}

interface Answer {
  readonly endpoint: Endpoint;
  readonly passes: boolean;
  readonly status?: MemberStatus;
  readonly unknown?: string;
  readonly source: Source;
}

async function ask(endpoint: Endpoint, settings: SurveySettings): Promise<Answer> {
  const material = memberTls(settings.certificates.members, settings.serverName);
  const tls = (): MemberTls => material;
  const { etcdUser: user } = settings;
  const client = new EtcdClient({ ...endpoint, tls, timeout, ...(user && { user }) });
  const source = { ...endpoint, tls, patience, token: undefined };
  try {
    const [passes, status, token] = await Promise.all([
      passesCheck(checkUrlOf(endpoint, settings.checkUrl), tls),
      client.status(),
      client.token(),
    ]);
    return { endpoint, passes, status, source: { ...source, token } };
  } catch (error) {
    return { endpoint, passes: false, unknown: (error as Error).message, source };
  } finally {
    client.close();
  }
}

async function passesCheck(url: string, tls: () => MemberTls): Promise<boolean> {
  const never = (): boolean => false;
  const probe = new Probe({ url, tls, lookup, isSelf: never, hasStalled: never });
  try {
    return (await probe.check(timeout, () => {})).ok;
  } finally {
    probe.close();
  }
}

const lookup: LookupFunction = (name, options, callback) => dns.lookup(name, options, callback);

function mostFrequent(words: readonly string[]): string | undefined {
  const count = (word: string): number => words.filter((each) => each === word).length;
  return words.toSorted((a, b) => count(b) - count(a))[0];
}
