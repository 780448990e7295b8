/**
 * All faults, in the order of the table. Missing: a full disk under the state directory, since
 * etcd-lb keeps no state on disk.
 */

import { clockStepped } from './fault/clock.ts';
import { crowdRehomed } from './fault/crowd.ts';
import { noDescriptors } from './fault/descriptors.ts';
import { longElection } from './fault/election.ts';
import { blackHoleFollower, blackHoleLeader, stopFollower, stopLeader } from './fault/hang.ts';
import { hostileNeighbour } from './fault/hostile.ts';
import { killFollower, killLeader, termLeader } from './fault/kill.ts';
import { movedLeader } from './fault/move.ts';
import { namesGone } from './fault/names.ts';
import { minorityPartition } from './fault/partition.ts';
import { lostQuorum, quorumAway } from './fault/quorum.ts';
import { rollingGraceful, rollingKill, rollingUpgrade } from './fault/rolling.ts';
import { lossyMember, slowMember } from './fault/slow.ts';
import { busyNeighbour, stoppedBalancer } from './fault/starved.ts';
import { steady } from './fault/steady.ts';
import type { Fault } from './fault.ts';

export const faults: readonly Fault[] = [
  ...[killFollower, killLeader, stopFollower, stopLeader, blackHoleFollower, blackHoleLeader],
  ...[termLeader, movedLeader, minorityPartition, lostQuorum, quorumAway, slowMember, lossyMember],
  ...[rollingGraceful, rollingKill, rollingUpgrade, steady],
  ...[longElection, stoppedBalancer, busyNeighbour, crowdRehomed],
  ...[namesGone, clockStepped, noDescriptors, hostileNeighbour],
];
