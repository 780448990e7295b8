/**
 * Metrics of what the members say about themselves and their cluster. All are read when someone
 * scrapes; a member that has never answered has no series but that it is not known.
 */
import { Counter, Gauge, type Registry } from 'prom-client';
import type { Cluster } from '../../etcd/cluster.ts';
import type { ClusterView } from '../../etcd/status/cluster-view.ts';
import { ineligibleReasons } from '../../etcd/status/eligibility.ts';
import type { MemberStatus } from '../../etcd/status/member-status.ts';
import type { Monitor } from '../../health/monitor.ts';
import type { Member } from '../../members/member.ts';

export interface ClusterSources {
  /** Those there are. */
  readonly members: () => readonly Member[];
  readonly monitor: Monitor;
  readonly cluster: Cluster;
}

/** Adds them to the registry. */
export function readCluster(registry: Registry, sources: ClusterSources): void {
  readMembers(registry, sources);
  readPicture(registry, sources.cluster);
}

function readMembers(registry: Registry, { members, monitor, cluster }: ClusterSources): void {
  const registers = [registry];
  /** A gauge with a figure of each member that has said it. */
  const figure = (name: string, help: string, of: (facts: MemberStatus) => number): void => {
    new Gauge({
      ...{ registers, name, help, labelNames: ['member'] },
      collect() {
        this.reset();
        for (const member of members()) {
          const facts = member.status;
          if (facts !== undefined) this.set({ member: member.name }, of(facts));
        }
      },
    });
  };
  new Gauge({
    registers,
    name: 'etcd_lb_member_known',
    help: '1 while a member answers questions about itself over gRPC, else 0; the figures below are then its last.',
    labelNames: ['member'],
    collect() {
      this.reset();
      for (const member of members()) {
        const known = member.status !== undefined && member.statusError === undefined;
        this.set({ member: member.name }, known ? 1 : 0);
      }
    },
  });
  new Gauge({
    registers,
    name: 'etcd_lb_member_info',
    help: 'Always 1; the labels tell the id, the cluster id and the version that a member says it has.',
    labelNames: ['member', 'id', 'cluster', 'version'],
    collect() {
      this.reset();
      for (const member of members()) {
        const facts = member.status;
        if (facts === undefined) continue;
        const { memberId: id, clusterId, version } = facts;
        this.set({ member: member.name, id, cluster: clusterId, version }, 1);
      }
    },
  });
  new Gauge({
    registers,
    name: 'etcd_lb_member_leader',
    help: '1 for the member that most of those that answer take for the leader, else 0.',
    labelNames: ['member'],
    collect() {
      const leader = cluster.view.leader?.memberId;
      this.reset();
      for (const member of members()) {
        const isLeader = leader !== undefined && member.status?.memberId === leader;
        this.set({ member: member.name }, isLeader ? 1 : 0);
      }
    },
  });
  new Gauge({
    registers,
    name: 'etcd_lb_member_unfit',
    help: '1 for the reason why a member is not used although its checks may pass: it is a learner, belongs to another cluster than most, its data is corrupt, or it lags too far behind the leader.',
    labelNames: ['member', 'reason'],
    collect() {
      this.reset();
      for (const { name, ineligibility: unfit } of monitor.table.members) {
        for (const reason of ineligibleReasons) {
          this.set({ member: name, reason }, unfit?.reason === reason ? 1 : 0);
        }
      }
    },
  });
  figure(
    'etcd_lb_member_learner',
    '1 while a member is a learner, which does not vote, else 0.',
    (f) => (f.isLearner ? 1 : 0),
  );
  figure('etcd_lb_member_raft_term', 'The raft term that a member is in.', (f) => f.term);
  figure(
    'etcd_lb_member_applied_index',
    'The last entry of the raft log that a member has applied.',
    (f) => f.appliedIndex,
  );
  figure(
    'etcd_lb_member_db_size_bytes',
    "Size of a member's database on disk; writes end when it reaches the quota.",
    (f) => f.dbSize,
  );
  figure(
    'etcd_lb_member_db_in_use_bytes',
    "The part of a member's database that holds data; defragmenting frees the rest.",
    (f) => f.dbSizeInUse,
  );
}

function readPicture(registry: Registry, cluster: Cluster): void {
  const registers = [registry];
  /** A gauge with one figure of the whole cluster, once any member has described it. */
  const figure = (name: string, help: string, of: (picture: ClusterView) => number): void => {
    new Gauge({
      ...{ registers, name, help },
      collect() {
        const { view } = cluster;
        if (view.clusterId === undefined) this.remove();
        else this.set(of(view));
      },
    });
  };
  figure(
    'etcd_lb_cluster_voters',
    'Members of the cluster that vote, whether they are endpoints or not; learners do not.',
    ({ voters }) => voters.length,
  );
  figure(
    'etcd_lb_cluster_quorum',
    'How many voters it takes to elect a leader and to write.',
    ({ quorum }) => quorum,
  );
  figure(
    'etcd_lb_cluster_healthy_voters',
    'Voters that pass their health checks.',
    ({ healthyVoters }) => healthyVoters,
  );
  figure(
    'etcd_lb_cluster_unseen_voters',
    'Voters that are none of the endpoints, so that nobody here knows how they are.',
    ({ unseenVoters }) => unseenVoters,
  );
  figure(
    'etcd_lb_cluster_fault_tolerance',
    'How many more of the healthy voters may fail before nothing can be written.',
    ({ tolerance }) => tolerance,
  );
  figure(
    'etcd_lb_cluster_has_leader',
    '1 while any member that answers knows a leader, else 0.',
    ({ leader }) => (leader === undefined ? 0 : 1),
  );
  figure(
    'etcd_lb_cluster_disagreeing_members',
    'Members that name another leader or term than most, or know none while others do.',
    ({ disagreeing }) => disagreeing.length,
  );
  figure(
    'etcd_lb_cluster_versions',
    'How many different versions of etcd the members run; more than 1 outside an upgrade is a mistake.',
    ({ versions }) => versions.length,
  );
  new Counter({
    registers,
    name: 'etcd_lb_cluster_leader_changes_total',
    help: 'How often another member than before was found to lead, since the balancer started.',
    collect() {
      this.reset();
      this.inc(cluster.leaderChanges);
    },
  });
  new Gauge({
    registers,
    name: 'etcd_lb_cluster_alarm',
    help: '1 for each alarm that is raised, NOSPACE or CORRUPT, by the member that raised it.',
    labelNames: ['alarm', 'member'],
    collect() {
      this.reset();
      for (const { kind, member } of cluster.view.alarms) this.set({ alarm: kind, member }, 1);
    },
  });
}
