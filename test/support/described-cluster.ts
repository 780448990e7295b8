/** A cluster as its members describe it, for tests that say what those are. */

import { LiveSettings } from '../../src/config/live-settings.ts';
import { Cluster, type ClusterChange } from '../../src/etcd/cluster.ts';
import { KnownCluster } from '../../src/etcd/known-cluster.ts';
import type { MemberStatus } from '../../src/etcd/status/member-status.ts';
import type { Member } from '../../src/members/member.ts';

/** A cluster of which nobody has said anything yet. All members count as healthy. */
export function undescribed(members: readonly Member[], changes: ClusterChange[] = []): Cluster {
  return new Cluster({
    members: () => members,
    settings: new LiveSettings({ maxLag: 0 }),
    known: new KnownCluster(undefined, () => {}),
    onEligibility: () => {},
    onChange: (change) => changes.push(change),
  });
}

/** Three voters, of which `a` leads in term 2; `a` says this. */
export const someFacts: MemberStatus = {
  at: 0,
  duration: 1,
  clusterId: 'c1',
  memberId: 'a',
  version: '3.5.16',
  leaderId: 'a',
  term: 2,
  revision: 50,
  raftIndex: 100,
  appliedIndex: 100,
  dbSize: 20_480,
  dbSizeInUse: 16_384,
  isLearner: false,
  alarms: [],
  members: ['a', 'b', 'c'].map((id) => ({
    id,
    name: `etcd-${id}`,
    clientUrls: [`http://${id}:2379`],
    isLearner: false,
  })),
};
