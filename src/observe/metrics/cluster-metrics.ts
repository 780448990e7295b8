/**
 * Metrics of the member statuses and the cluster view. A member that has never answered has only one series,
 * which says that it is not known.
 */
import type { ClusterView } from '../../etcd/status/cluster-view.ts';
import { ineligibleReasons } from '../../etcd/status/eligibility.ts';
import type { MemberStatus } from '../../etcd/status/member-status.ts';
import { flag, perMember, present, type ReadMetric } from './read-metrics.ts';

type Row<From, Value = number> = readonly [name: string, help: string, of: (from: From) => Value];

/** Figures of each member with a status. */
const memberFigures: readonly Row<MemberStatus, number | undefined>[] = [
  [
    'learner',
    '1 while a member is a learner, which does not vote, else 0.',
    ({ isLearner }) => flag(isLearner),
  ],
  ['raft_term', 'The raft term that a member is in.', ({ term }) => term],
  [
    'applied_index',
    'The last entry of the raft log that a member has applied.',
    ({ appliedIndex }) => appliedIndex,
  ],
  [
    'db_size_bytes',
    "Size of a member's database on disk; writes end when it reaches the quota.",
    ({ dbSize }) => dbSize,
  ],
  [
    'db_in_use_bytes',
    "The part of a member's database that holds data; defragmenting frees the rest.",
    ({ dbSizeInUse }) => dbSizeInUse,
  ],
  [
    'db_quota_bytes',
    "The quota of a member's database (etcd's --quota-backend-bytes); no series where it is not known.",
    ({ dbQuota }) => dbQuota,
  ],
];

/** Figures of the whole cluster, once any member has described it. */
const clusterFigures: readonly Row<ClusterView>[] = [
  [
    'voters',
    'Members of the cluster that vote, whether they are endpoints or not; learners do not.',
    ({ voters }) => voters.length,
  ],
  ['quorum', 'How many voters it takes to elect a leader and to write.', ({ quorum }) => quorum],
  ['healthy_voters', 'Voters that pass their health checks.', ({ healthyVoters }) => healthyVoters],
  [
    'unseen_voters',
    'Voters that are not among the endpoints, so that their health is unknown here.',
    ({ unseenVoters }) => unseenVoters,
  ],
  [
    'fault_tolerance',
    'How many more of the healthy voters may fail before nothing can be written.',
    ({ tolerance }) => tolerance,
  ],
  [
    'has_leader',
    '1 while any member that answers knows a leader, else 0.',
    ({ leader }) => flag(leader !== undefined),
  ],
  [
    'disagreeing_members',
    'Members that name another leader or term than most, or know none while others do.',
    ({ disagreeing }) => disagreeing.length,
  ],
  [
    'versions',
    'How many different versions of etcd the members run; more than 1 outside an upgrade is a mistake.',
    ({ versions }) => versions.length,
  ],
];

export const clusterMetrics: readonly ReadMetric[] = [
  {
    name: 'etcd_lb_member_known',
    help: '1 while a member answers status polls over gRPC, else 0; its other figures are then its last known ones.',
    ...perMember(present, ({ status, statusError }) =>
      flag(status !== undefined && statusError === undefined),
    ),
  },
  {
    name: 'etcd_lb_member_info',
    help: 'Always 1; the labels tell the id, the cluster id and the version that a member says it has.',
    labels: ['member', 'id', 'cluster', 'version'],
    read: ({ members }) =>
      members().flatMap(({ name: member, status }) => {
        if (status === undefined) return [];
        const { memberId: id, clusterId: cluster, version } = status;
        return [[1, { member, id, cluster, version }]];
      }),
  },
  {
    name: 'etcd_lb_member_leader',
    help: '1 for the member that most answering members name as the leader, else 0.',
    ...perMember(present, ({ status }, { cluster }) => {
      const leader = cluster.view.leader?.memberId;
      return flag(leader !== undefined && status?.memberId === leader);
    }),
  },
  {
    name: 'etcd_lb_member_unfit',
    help: '1 for the reason why a member is ineligible although its checks may pass: it is a learner, belongs to another cluster than most, its data is corrupt, or it lags too far behind the leader.',
    labels: ['member', 'reason'],
    read: ({ monitor }) =>
      monitor.table.members.flatMap(({ name: member, ineligibility }) =>
        ineligibleReasons.map((reason) => [
          flag(ineligibility?.reason === reason),
          { member, reason },
        ]),
      ),
  },
  ...memberFigures.map(
    ([name, help, of]): ReadMetric => ({
      ...{ name: `etcd_lb_member_${name}`, help },
      ...perMember(present, ({ status }) => status && of(status)),
    }),
  ),
  ...clusterFigures.map(
    ([name, help, of]): ReadMetric => ({
      ...{ name: `etcd_lb_cluster_${name}`, help },
      read: ({ cluster: { view } }) => (view.clusterId === undefined ? [] : [[of(view)]]),
    }),
  ),
  {
    name: 'etcd_lb_cluster_replaced',
    help: '1 while the members are of another cluster than the one that has served clients, as after a restore, so that nobody gets a member until an operator accepts it, else 0.',
    read: ({ cluster }) => [[flag(cluster.replaced !== undefined)]],
  },
  {
    name: 'etcd_lb_cluster_leader_changes_total',
    help: 'How often another member than before was found to lead, since the balancer started.',
    read: ({ cluster }) => [[cluster.leaderChanges]],
  },
  {
    name: 'etcd_lb_cluster_alarm',
    help: '1 for each alarm that is raised, NOSPACE or CORRUPT, by the member that raised it.',
    labels: ['alarm', 'member'],
    read: ({ cluster }) =>
      cluster.view.alarms.map(({ kind, member }) => [1, { alarm: kind, member }]),
  },
];
