/**
 * Findings about the cluster as a whole: which one it is, whether it has a quorum and can lose a
 * member, its size, its leader, learners, alarms and versions.
 *
 * Pure. The arithmetic is the picture's (etcd/status/cluster-view.ts); here it is judged.
 */

import type { Settings } from '../../config/settings.ts';
import {
  type ClusterView,
  isUnstarted,
  newestList,
  viewOf,
} from '../../etcd/status/cluster-view.ts';
import type { ListedMember } from '../../etcd/status/member-status.ts';
import type { Finding } from '../finding.ts';
import type { Observation } from '../observation.ts';

/** What the guide behind Kubernetes recommends for production. */
const recommendedSize = 5;

export function findInCluster(
  observations: readonly Observation[],
  discovery: Settings['discovery'],
): Finding[] {
  const picture = viewOf(
    observations.map(({ name, health, inspection }) => ({
      name,
      healthy: health.ok,
      answers: inspection.kind === 'known',
      status: inspection.kind === 'known' ? inspection.status : undefined,
    })),
  );
  const ours = observations.flatMap(({ inspection }) =>
    inspection.kind === 'known' && inspection.status.clusterId === picture.clusterId
      ? inspection.status
      : [],
  );
  const listed = newestList(ours);
  const seen = new Set(ours.map(({ memberId }) => memberId));
  const unseen = listed.filter(({ id }) => !seen.has(id));
  const unnamed = unnamedAmong(unseen, observations);
  return [
    ...findStrangers(observations, picture),
    ...findQuorum(observations, picture, unnamed.length),
    ...findLeader(observations, picture),
    ...findAlarms(picture),
    ...findSize(picture),
    ...(discovery === 'members' ? [] : findUnnamed(unnamed)),
    ...findUnstarted(unseen),
    ...findLearners(observations, picture),
    ...findVersions(picture),
  ];
}

function findStrangers(
  observations: readonly Observation[],
  { clusterId }: ClusterView,
): Finding[] {
  const known = observations.flatMap(({ name, inspection }) =>
    inspection.kind === 'known' ? [{ name, clusterId: inspection.status.clusterId }] : [],
  );
  const most = clusterId === undefined ? 'no cluster has most of them' : `most are of ${clusterId}`;
  return known
    .filter((each) => each.clusterId !== clusterId)
    .map((each) => ({
      severity: 'error',
      subject: each.name,
      seen: `of cluster ${each.clusterId}, and ${most}`,
      why: 'Clients would read and write other data, depending on the member they get.',
      mend: 'Name members of one cluster in --endpoints; one restored from a backup by itself is emptied and added anew with `etcdctl member add`.',
    }));
}

function findQuorum(
  observations: readonly Observation[],
  { voters, quorum, healthyVoters }: ClusterView,
  unnamed: number,
): Finding[] {
  const why =
    'Without a quorum nothing can be written, and Kubernetes can change nothing, not even schedule a pod.';
  const passed = observations.filter(({ health }) => health.ok).length;
  // A voter that passes its check has just read with a quorum, whoever else was in it.
  if (passed === 0 || (voters.length > 0 && healthyVoters === 0)) {
    return [
      {
        severity: 'error',
        subject: 'cluster',
        seen: `no quorum: ${whoIsNot(voters.length, quorum)}`,
        why,
        mend: 'Start members until a quorum is healthy; if their data is lost, restore a snapshot with `etcdctl snapshot restore`.',
      },
    ];
  }
  // Who is not named may well be healthy, and is told of by itself.
  if (voters.length < 3 || healthyVoters + unnamed !== quorum) return [];
  return [
    {
      severity: 'warning',
      subject: 'cluster',
      seen: `${healthyVoters} of ${voters.length} voting members are known to be healthy, and it takes ${quorum}: no other may fail`,
      why,
      mend: 'Bring the missing members back before anything else is restarted.',
    },
  ];
}

function whoIsNot(voters: number, quorum: number): string {
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
    const seen = 'no member knows a leader at this moment';
    return [{ severity: 'warning', subject: 'cluster', seen, why, mend }];
  }
  // One that is cut off follows nobody, and is told of as not healthy.
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

function findSize({ voters }: ClusterView): Finding[] {
  const size = voters.length;
  const finding = (severity: 'warning' | 'note', seen: string, why: string): Finding[] => [
    { severity, subject: 'cluster', seen, why, mend: 'Add members with `etcdctl member add`.' },
  ];
  if (size === 0) return [];
  if (size === 1) {
    return finding(
      'warning',
      'a single member',
      'When it stops, everything stops, and when its disk is lost, so is the data.',
    );
  }
  if (size % 2 === 0) {
    return finding(
      'warning',
      `an even number of voting members: ${size}`,
      `It bears no more failures than ${size - 1} members do, and there is one more to fail.`,
    );
  }
  if (size >= recommendedSize) return [];
  return finding(
    'note',
    `${size} voting members, and ${recommendedSize} are recommended for production`,
    'While one is down for maintenance, no other may fail.',
  );
}

/** Voters that are none of our endpoints; an endpoint that says nothing may be any of them. */
function unnamedAmong(
  unseen: readonly ListedMember[],
  observations: readonly Observation[],
): ListedMember[] {
  const silent = observations.filter(({ inspection }) => inspection.kind === 'unknown');
  const is = ({ name, clientUrls }: ListedMember, { name: ours, endpoint }: Observation) =>
    name === ours || clientUrls.includes(endpoint);
  const unnamed = unseen.filter(
    (member) =>
      !member.isLearner && !isUnstarted(member) && !silent.some((each) => is(member, each)),
  );
  const unmatched = silent.filter((each) => !unseen.some((member) => is(member, each)));
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
  const isEndpoint = (learner: string) => observations.some(({ name }) => name === learner);
  return learners
    .filter((learner) => !unstarted.includes(learner))
    .map((subject) => ({
      // Nobody is sent to one that is not named.
      severity: isEndpoint(subject) ? 'warning' : 'note',
      subject,
      seen: 'a learner',
      why: 'It does not vote, and refuses most of what clients ask, until it is promoted.',
      mend: isEndpoint(subject)
        ? 'Promote it with `etcdctl member promote` once it has caught up, or leave it out of --endpoints.'
        : 'Promote it with `etcdctl member promote` once it has caught up.',
    }));
}

function findVersions({ versions }: ClusterView): Finding[] {
  if (versions.length < 2) return [];
  const minors = new Set(versions.map((version) => version.split('.').slice(0, 2).join('.')));
  return [
    {
      severity: minors.size > 1 ? 'warning' : 'note',
      subject: 'cluster',
      seen: `more than one version of etcd: ${versions.join(', ')}`,
      why: 'The cluster works as its oldest member does, and mixed versions are meant for an upgrade only.',
      mend: 'Upgrade the other members, one at a time.',
    },
  ];
}
