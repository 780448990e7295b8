/**
 * A member stops answering while its connections stand: the process is stopped (SIGSTOP), or every
 * packet to and from it is dropped without a word.
 */
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import type { Running } from '../../contestants/contestant.ts';
import { direct } from '../../contestants/direct.ts';
import { EtcdLb } from '../../contestants/etcd-lb.ts';
import { electedWithout, followerOf, leaderOf } from '../cluster/leader.ts';
import type { FaultMember } from '../cluster/member.ts';
import { NamespaceMember } from '../cluster/namespace-cluster.ts';
import {
  atMost,
  type Bound,
  type Fault,
  type Figures,
  type Outcome,
  type Scene,
  within,
} from '../fault.ts';
import { firstBytes } from '../load/first-bytes.ts';
import { Load } from '../load/load.ts';
import { clients, now } from '../load/plan.ts';
import { known, secondsToBalance, sessionsOn, withdrawnAfter } from './sessions.ts';

interface Hang {
  readonly begin: (member: FaultMember) => Promise<void> | void;
  readonly end: (member: FaultMember) => Promise<void> | void;
  /** Are new connections to the member not even taken? */
  readonly refusesDials: boolean;
}

const stop: Hang = {
  begin: (member) => member.pause(),
  end: (member) => member.resume(),
  // The kernel takes them for a stopped process.
  refusesDials: false,
};

const blackHole: Hang = {
  begin: (member) => inNamespace(member).cut('everything'),
  end: (member) => inNamespace(member).mend(),
  refusesDials: true,
};

function inNamespace(member: FaultMember): NamespaceMember {
  if (member instanceof NamespaceMember) return member;
  throw new Error(`${member.name} has no network of its own to cut.`);
}

async function hung(
  scene: Scene,
  member: FaultMember,
  { begin, end, refusesDials }: Hang,
): Promise<Figures> {
  const sessionsThere = await sessionsOn(scene, member);
  const at = scene.breaking(`${member.name} hangs`);
  await begin(member);
  const [election, withdrawn, dials] = await Promise.all([
    electedWithout(scene.cluster, member).then((elected) => elected - at),
    withdrawnAfter(scene, member, at),
    refusesDials ? firstBytes(scene.where) : undefined,
  ]);
  scene.servesAgain();
  await delay(Math.max(0, at + scene.pace.hang - now()));
  await end(member);
  scene.note(`${member.name} goes on`);
  await scene.cluster.ready();
  return {
    ...{ sessionsThere, election },
    ...known('slowestDial', dials && Math.max(...dials)),
    ...known('withdrawn', withdrawn),
    balanced: await secondsToBalance(scene),
  };
}

/**
 * A leader hangs, and as many clients as the contestant has beside them, which are on the other
 * members all the time: what they lose is writes that were forwarded to it. They know the members
 * themselves, but of etcd-lb they are clients as well: of a second one, which has drained the leader.
 */
async function hungLeader(scene: Scene, hang: Hang): Promise<Figures> {
  const leader = await leaderOf(scene.cluster);
  if (!scene.pace.elsewhere) return await hung(scene, leader, hang);
  await using second = await elsewhereThan(scene, leader);
  await using elsewhere = await Load.start({
    ...clients,
    ...{ addresses: second.addresses, tls: scene.cluster.credentials },
    ...{ keys: 'elsewhere', watchers: 0, leases: 0 },
  });
  const figures = await hung(scene, leader, hang);
  const { samples } = await elsewhere.stop();
  const failedElsewhere = samples.filter(({ error }) => error !== undefined).length;
  return { ...figures, failedElsewhere };
}

async function elsewhereThan(scene: Scene, { name }: FaultMember): Promise<Running> {
  const { etcdLb, endpoints, startOptions } = scene;
  if (etcdLb === undefined)
    return await direct.start(
      endpoints.filter((each) => each.name !== name),
      startOptions,
    );
  const folder = join(startOptions.folder, 'second');
  await mkdir(folder);
  const second = await EtcdLb.start(endpoints, { ...startOptions, folder });
  await second.command('drain', name, '--keep-leader');
  return second;
}

function followerBounds({ load, figures, directFailures }: Outcome): readonly Bound[] {
  return [
    within(1_500, 'longest gap (ms)', load?.longestGap),
    within(directFailures / 20, 'failed requests (a 20th of direct)', load?.failed),
    within(10, 'seconds until it has its share back', figures.balanced),
  ];
}

/** A dial is to cost at most 300 ms more than the few that it takes otherwise. */
const dialBound = ({ figures }: Outcome): Bound =>
  within(300, 'slowest new connection (ms)', figures.slowestDial);

/** While the leader is lost new clients are accepted and dialled, and what they say waits as well. */
const heldDialBound = ({ figures: { election = Number.NaN, slowestDial } }: Outcome): Bound =>
  within(election + 300, 'slowest new connection (ms): the election and 300', slowestDial);

function leaderBounds({ load, figures }: Outcome): readonly Bound[] {
  const { election, failedElsewhere } = figures;
  return [
    within(20, 'failed requests', load?.failed),
    // A slow machine has more of them in flight; without a hold it is 89 at least.
    atMost(60, 'failed requests, on any machine', load?.failed),
    ...(failedElsewhere === undefined
      ? []
      : [within(10, 'failed requests of clients that are elsewhere', failedElsewhere)]),
    within(
      (election ?? Number.NaN) + 500,
      'longest gap (ms): the election and 500',
      load?.longestGap,
    ),
    within(10, 'seconds until it has its share back', figures.balanced),
  ];
}

export const stopFollower: Fault = {
  name: 'stop-follower',
  what: 'SIGSTOP of a follower',
  members: 3,
  anySize: true,
  network: 'loopback',
  act: async (scene) => hung(scene, await followerOf(scene.cluster), stop),
  bounds: followerBounds,
};

export const stopLeader: Fault = {
  name: 'stop-leader',
  what: 'SIGSTOP of the leader',
  members: 3,
  anySize: true,
  network: 'loopback',
  act: (scene) => hungLeader(scene, stop),
  bounds: leaderBounds,
};

export const blackHoleFollower: Fault = {
  name: 'black-hole-follower',
  what: 'every packet of a follower dropped silently, on new and established connections',
  members: 3,
  anySize: true,
  network: 'namespaces',
  act: async (scene) => hung(scene, await followerOf(scene.cluster), blackHole),
  bounds: (outcome) => [...followerBounds(outcome), dialBound(outcome)],
};

export const blackHoleLeader: Fault = {
  ...blackHoleFollower,
  name: 'black-hole-leader',
  what: 'every packet of the leader dropped silently, on new and established connections',
  act: (scene) => hungLeader(scene, blackHole),
  bounds: (outcome) => [...leaderBounds(outcome), heldDialBound(outcome)],
};
