/**
 * All faults, in the order of the table. Missing: a full disk under the state directory, since
 * etcd-lb keeps no state on disk.
 */

import { clockStepped } from './fault/clock.ts';
import { crowdRehomed } from './fault/crowd.ts';
import { noDescriptors } from './fault/descriptors.ts';
import { longElection } from './fault/election.ts';
import { blackHoleFollower, blackHoleLeader, stopFollower, stopLeader } from './fault/hang.ts';
import { killFollower, killLeader } from './fault/kill.ts';
import { namesGone } from './fault/names.ts';
import { minorityPartition } from './fault/partition.ts';
import { lostQuorum } from './fault/quorum.ts';
import { rollingGraceful, rollingKill } from './fault/rolling.ts';
import { lossyMember, slowMember } from './fault/slow.ts';
import { busyNeighbour, stoppedBalancer } from './fault/starved.ts';
import type { Fault } from './fault.ts';

export const faults: readonly Fault[] = [
  ...[killFollower, killLeader, stopFollower, stopLeader, blackHoleFollower, blackHoleLeader],
  ...[minorityPartition, lostQuorum, slowMember, lossyMember, rollingGraceful, rollingKill],
  ...[longElection, stoppedBalancer, busyNeighbour, crowdRehomed],
  ...[namesGone, clockStepped, noDescriptors],
];
