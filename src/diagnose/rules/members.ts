/**
 * Findings about each member by itself: is it there, is it healthy, is its status known?
 *
 * A member that does not answer gets one finding, by what went wrong. Pure.
 */
import type { Failure, FailureReason } from '../../lib/net/failure.ts';
import type { Finding } from '../finding.ts';
import { isReachable, knownAmong, type Observation } from '../observation.ts';

export function findInMembers(observations: readonly Observation[]): Finding[] {
  return [...observations.flatMap((each) => [...findInMember(each)]), ...findTwins(observations)];
}

const why = 'Clients get nothing from it, and the cluster has one member less to lose.';

function* findInMember(observation: Observation): Iterable<Finding> {
  const { name: subject, endpoint, health, clientPort, poll, metrics } = observation;
  if (!health.ok) {
    const { failure } = health;
    const [seen, mend] = isReachable(observation)
      ? ['not healthy', fixOfUnhealthy(failure)]
      : [unreached(failure), fixOfUnreached(failure, endpoint)];
    yield { severity: 'error', subject, seen: `${seen}: ${failure.detail}`, why, mend };
    return;
  }
  // A member may refuse us for want of a certificate that its clients have.
  if (clientPort.kind === 'closed' && clientPort.failure.reason !== 'tls') {
    const { failure } = clientPort;
    yield {
      severity: 'error',
      subject,
      seen: `healthy by --check-url, but clients cannot reach it: ${failure.detail}`,
      why,
      mend: fixOfUnreached(failure, endpoint),
    };
  } else if (poll.kind === 'unknown') {
    yield {
      severity: 'warning',
      subject,
      seen: `healthy, but its status cannot be read: ${poll.why}`,
      why: 'Whether it belongs to this cluster, lags or is a learner is not known.',
      mend: `Fix what keeps \`etcdctl --endpoints ${endpoint} endpoint status\` from working with the same certificates.`,
    };
  }
  if (metrics.kind === 'unread') {
    yield {
      severity: 'note',
      subject,
      seen: `/metrics cannot be read: ${metrics.why}`,
      why: 'How its disk, its network and its processor keep up is not known.',
      mend: elsewhere,
    };
  }
}

/** A member whose certificate is refused has answered. */
function unreached({ reason }: Failure): string {
  return reason === 'tls' ? 'TLS with it fails' : 'cannot be reached';
}

/** One member under two endpoints looks like two to the balancer. */
function* findTwins(observations: readonly Observation[]): Iterable<Finding> {
  const firsts = new Map<string, string>();
  for (const { name, status } of knownAmong(observations)) {
    const id = `${status.clusterId} ${status.memberId}`;
    const first = firsts.get(id);
    if (first === undefined) {
      firsts.set(id, name);
      continue;
    }
    yield {
      severity: 'warning',
      subject: name,
      seen: `the same member as ${first}`,
      why: 'It is counted twice and gets twice its share of the clients.',
      mend: 'Name each member once in --endpoints.',
    };
  }
}

const readLog = "Look into etcd's log there.";
const elsewhere = "Set --check-url to where etcd's --listen-metrics-urls serves.";

function fixOfUnhealthy({ detail }: Failure): string {
  return detail.startsWith('answered 404') ? elsewhere : readLog;
}

const fixes: Partial<Readonly<Record<FailureReason, string>>> = {
  refused: 'Start etcd there, or correct its address in --endpoints.',
  reset: "Write the scheme in --endpoints, http or https, that etcd's --listen-client-urls has.",
  unreachable: 'Fix the route to it, or correct its address in --endpoints.',
  dns: 'Correct its name in --endpoints, or fix the name server.',
  tls: "Give the --cacert that signed its certificate, and the --cert and --key that its --trusted-ca-file accepts; renew what has expired with etcd's --cert-file.",
};

function fixOfUnreached(failure: Failure, endpoint: string): string {
  const { reason, detail } = failure;
  if (reason === 'timeout') {
    return `Look whether etcd hangs there, and whether a firewall keeps this host from ${endpoint}.`;
  }
  if (/HTTPS server/.test(detail)) return 'Write https:// in --endpoints.';
  return fixes[reason] ?? fixOfUnhealthy(failure);
}
