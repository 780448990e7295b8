/**
 * Findings about the cluster as a whole: which one it is, whether it has a quorum and can lose a
 * member, its size, its leader, learners, alarms and versions.
 *
 * Pure. The arithmetic is that of the cluster view (etcd/status/cluster-view.ts); here it is judged.
 */

import type { Settings } from '../../config/settings.ts';
import { highestRevision, type Known } from '../../etcd/known-cluster.ts';
import {
  type ClusterView,
  isUnstarted,
  newestList,
  viewOf,
} from '../../etcd/status/cluster-view.ts';
import type { ListedMember, MemberStatus } from '../../etcd/status/member-status.ts';
import type { Finding, Severity } from '../finding.ts';
import { knownAmong, type Observation } from '../observation.ts';

/** What the guide behind Kubernetes recommends for production. */
const recommendedSize = 5;

export function findInCluster(
  observations: readonly Observation[],
  discovery: Settings['discovery'],
  served?: Known,
): Finding[] {
  const known = knownAmong(observations);
  const view = viewOf(
    observations.map(({ name, health, poll }) => ({
      name,
      healthy: health.ok,
      answers: poll.kind === 'known',
      status: poll.kind === 'known' ? poll.status : undefined,
    })),
    served?.id,
  );
  const ours = known.flatMap(({ status }) => (status.clusterId === view.clusterId ? status : []));
  const seen = new Set(ours.map(({ memberId }) => memberId));
  const unseen = newestList(ours).filter(({ id }) => !seen.has(id));
  const unnamed = unnamedAmong(unseen, observations);
  return [
    ...findRestored(ours, view, served),
    ...findStrangers(known, view, served),
    ...findQuorum(observations, view, unnamed.length),
    ...findLeader(observations, view),
    ...findAlarms(view),
    ...findSize(view),
    ...(discovery === 'members' ? [] : findUnnamed(unnamed)),
    ...findUnstarted(unseen),
    ...findLearners(observations, view),
    ...findVersions(view),
  ];
}

function findStrangers(
  known: ReturnType<typeof knownAmong>,
  { clusterId }: ClusterView,
  served: Known | undefined,
): Finding[] {
  const most =
    clusterId === undefined
      ? 'no cluster has most of them'
      : `${clusterId === served?.id ? 'clients are served by' : 'most are of'} ${clusterId}`;
  return known
    .filter(({ status }) => status.clusterId !== clusterId)
    .map(({ name: subject, status }) => ({
      severity: 'error',
      subject,
      seen: `of cluster ${status.clusterId}, and ${most}`,
      why: 'Clients would read and write other data, depending on the member they get.',
      mend: 'Name members of one cluster in --endpoints; one restored from a backup by itself is emptied and added anew with `etcdctl member add`.',
    }));
}

/** Another cluster in place of the one that was served, or the same one with an older revision. */
function findRestored(
  ours: readonly MemberStatus[],
  { clusterId }: ClusterView,
  served: Known | undefined,
): Finding[] {
  if (served === undefined || clusterId === undefined) return [];
  const revision = highestRevision(ours);
  const hasGoneBack = revision < served.revision;
  const behind = hasGoneBack
    ? [
        ofAll(
          'warning',
          `its revision ${revision} is below ${served.revision}, which clients have seen`,
          'A client that watches from where it was misses what is written up to there.',
          'Restore with --bump-revision and --mark-compacted (etcdutl 3.6), or restart all that watches, such as kube-apiserver.',
        ),
      ]
    : [];
  if (clusterId === served.id) return behind;
  return [
    ofAll(
      'error',
      `it is another one: ${clusterId} in place of ${served.id}, which etcd-lb has served; restored from a snapshot, or made anew`,
      'etcd-lb gives nobody a member of it until it is accepted, since its data is not what clients know.',
      `If that is meant: \`etcd-lb resume --accept-cluster ${clusterId}\`. If not, see which cluster the addresses in --endpoints belong to.`,
    ),
    ...behind,
  ];
}

function findQuorum(
  observations: readonly Observation[],
  { voters, quorum, healthyVoters }: ClusterView,
  unnamed: number,
): Finding[] {
  const why =
    'Without a quorum nothing can be written, and Kubernetes can change nothing, not even schedule a pod.';
  const passed = observations.filter(({ health }) => health.ok).length;
  // A voter that passes its probe has just read through a quorum, whoever else was in it.
  if (passed === 0 || (voters.length > 0 && healthyVoters === 0)) {
    const seen = `no quorum: ${whyNoQuorum(voters.length, quorum)}`;
    const mend =
      'Start members until a quorum is healthy; if their data is lost, restore a snapshot with `etcdctl snapshot restore`.';
    return [ofAll('error', seen, why, mend)];
  }
  // A voter that is not in --endpoints may be healthy, and has a finding of its own.
  if (voters.length < 3 || healthyVoters + unnamed !== quorum) return [];
  const seen = `${healthyVoters} of ${voters.length} voting members are known to be healthy, and it takes ${quorum}: no other may fail`;
  const mend = 'Bring the missing members back before anything else is restarted.';
  return [ofAll('warning', seen, why, mend)];
}

function ofAll(severity: Severity, seen: string, why: string, mend: string): Finding {
  return { severity, subject: 'cluster', seen, why, mend };
}

function whyNoQuorum(voters: number, quorum: number): string {
  if (voters === 0) return 'no endpoint is healthy';
  if (voters === 1) return 'its only voting member is not healthy';
  return `none of its ${voters} voting members is healthy, and it takes ${quorum}`;
}

function findLeader(
  observations: readonly Observation[],
  { leader, healthyVoters, disagreeing, term }: ClusterView,
): Finding[] {
  const why = 'While an election goes on, nothing can be written.';
  const mend =
    'Check again in a few seconds; if it stays, look at the network between the members.';
  if (healthyVoters > 0 && leader === undefined) {
    return [ofAll('warning', 'no member knows a leader at this moment', why, mend)];
  }
  // A member that is cut off follows nobody; its finding is that it is not healthy.
  return observations
    .filter(({ name, health }) => health.ok && disagreeing.includes(name))
    .map(({ name: subject }) => ({
      severity: 'warning',
      subject,
      seen: `does not follow ${leader?.name}, the leader of term ${term}`,
      why,
      mend,
    }));
}

function findAlarms({ alarms }: ClusterView): Finding[] {
  return alarms.map(({ kind, member }) => ({
    severity: 'error',
    subject: member,
    seen: `alarm ${kind}`,
    ...(kind === 'NOSPACE'
      ? {
          why: 'The cluster refuses all writes but deletes, since the database has reached its quota.',
          mend: "Run `etcdctl compact`, then `etcdctl defrag` for each member, then `etcdctl alarm disarm`; raise etcd's --quota-backend-bytes if the data needs it.",
        }
      : {
          why: 'Its data differs from that of the others, so that clients may read what is wrong.',
          mend: 'Replace the member: `etcdctl member remove`, empty its data folder, `etcdctl member add`; then `etcdctl alarm disarm`.',
        }),
  }));
}

function findSize({ voters: { length: size } }: ClusterView): Finding[] {
  const finding = (severity: Severity, seen: string, why: string): Finding[] => [
    ofAll(severity, seen, why, 'Add members with `etcdctl member add`.'),
  ];
  if (size === 1) {
    const why = 'When it stops, everything stops, and when its disk is lost, so is the data.';
    return finding('warning', 'a single member', why);
  }
  if (size > 0 && size % 2 === 0) {
    const why = `It bears no more failures than ${size - 1} members do, and there is one more to fail.`;
    return finding('warning', `an even number of voting members: ${size}`, why);
  }
  if (size === 0 || size >= recommendedSize) return [];
  const seen = `${size} voting members, and ${recommendedSize} are recommended for production`;
  return finding('note', seen, 'While one is down for maintenance, no other may fail.');
}

/** Voters that are not among our endpoints; an endpoint that does not answer may be any of them. */
function unnamedAmong(
  unseen: readonly ListedMember[],
  observations: readonly Observation[],
): ListedMember[] {
  const unanswered = observations.filter(({ poll }) => poll.kind === 'unknown');
  const is = ({ name, clientUrls }: ListedMember, { name: ours, endpoint }: Observation) =>
    name === ours || clientUrls.includes(endpoint);
  const unnamed = unseen.filter(
    (member) =>
      !member.isLearner && !isUnstarted(member) && !unanswered.some((each) => is(member, each)),
  );
  const unmatched = unanswered.filter((each) => !unseen.some((member) => is(member, each)));
  return unnamed.length > unmatched.length ? unnamed : [];
}

function findUnnamed(unnamed: readonly ListedMember[]): Finding[] {
  return unnamed.map(({ id, name, clientUrls }) => ({
    severity: 'warning',
    subject: name || id,
    seen: 'a member of the cluster that is not in --endpoints',
    why: 'The balancer neither uses it nor knows how it is, and cannot fail over to it.',
    mend: `Add ${clientUrls.join(' or ')} to --endpoints, or write --discovery members.`,
  }));
}

function findUnstarted(unseen: readonly ListedMember[]): Finding[] {
  return unseen.filter(isUnstarted).map(({ id, isLearner }) => ({
    severity: 'warning',
    subject: id,
    seen: 'was added to the cluster and has never started',
    why: isLearner
      ? 'It holds a place in the cluster, and no other learner can be added before it is promoted.'
      : 'It counts for the quorum all the same, so that the cluster can lose one member less.',
    mend: `Start it, or take it out with \`etcdctl member remove ${id}\`.`,
  }));
}

function findLearners(
  observations: readonly Observation[],
  { learners, unstarted }: ClusterView,
): Finding[] {
  return learners
    .filter((learner) => !unstarted.includes(learner))
    .map((subject) => {
      // The balancer sends nobody to a learner that is not in --endpoints.
      const isEndpoint = observations.some(({ name }) => name === subject);
      return {
        severity: isEndpoint ? 'warning' : 'note',
        subject,
        seen: 'a learner',
        why: 'It does not vote, and refuses most of what clients ask, until it is promoted.',
        mend: `Promote it with \`etcdctl member promote\` once it has caught up${isEndpoint ? ', or leave it out of --endpoints' : ''}.`,
      };
    });
}

function findVersions({ versions }: ClusterView): Finding[] {
  if (versions.length < 2) return [];
  const minors = new Set(versions.map((version) => version.split('.').slice(0, 2).join('.')));
  return [
    ofAll(
      minors.size > 1 ? 'warning' : 'note',
      `more than one version of etcd: ${versions.join(', ')}`,
      'The cluster works as its oldest member does, and mixed versions are meant for an upgrade only.',
      'Upgrade the other members, one at a time.',
    ),
  ];
}
