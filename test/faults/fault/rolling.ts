/** Every member is restarted in turn, as an upgrade does it. */
import { setTimeout as delay } from 'node:timers/promises';
import {
  atMost,
  type Bound,
  type Fault,
  type Figures,
  type Outcome,
  type Scene,
  within,
} from '../fault.ts';
import { etcdOf } from '../setting.ts';
import { ended, plannedBounds } from './kill.ts';
import { known, LongestUnused, secondsToBalance } from './sessions.ts';

/** @param etcd path of the one that they are started with from then on; the same if not given. */
async function restarted(scene: Scene, signal: NodeJS.Signals, etcd?: string): Promise<Figures> {
  const { cluster, etcdLb, pace } = scene;
  const watch = etcdLb && new LongestUnused(etcdLb);
  const elections: number[] = [];
  for (const member of cluster.members) {
    watch?.start(cluster.members.filter((each) => each !== member));
    elections.push(await ended(scene, member, signal));
    await delay(pace.down / 3);
    await member.start(etcd);
    scene.note(`${member.name} was started`);
    await cluster.ready();
    // What an operator's tooling waits before it goes on.
    await delay(pace.down);
    await watch?.stop();
  }
  return {
    election: Math.max(...elections),
    balanced: await secondsToBalance(scene),
    ...known('unused', watch?.longest),
  };
}

function spreadBounds({ figures }: Outcome): readonly Bound[] {
  return [
    within(1_000, 'longest that a member that runs was not used (ms)', figures.unused),
    within(10, 'seconds until sessions are spread', figures.balanced),
  ];
}

export const rollingGraceful: Fault = {
  name: 'rolling-graceful',
  what: 'every member restarted in turn with SIGTERM',
  members: 3,
  anySize: true,
  network: 'loopback',
  act: (scene) => restarted(scene, 'SIGTERM'),
  bounds: (outcome) => [...plannedBounds(250, outcome), ...spreadBounds(outcome)],
};

export const rollingUpgrade: Fault = {
  ...rollingGraceful,
  name: 'rolling-upgrade',
  what: 'every member restarted in turn with SIGTERM, from etcd 3.4 to 3.5',
  onlyEtcd: '3.4',
  changesCluster: true,
  async act(scene) {
    const { etcd } = await etcdOf('3.5');
    return await restarted(scene, 'SIGTERM', etcd);
  },
};

export const rollingKill: Fault = {
  ...rollingGraceful,
  name: 'rolling-kill',
  what: 'every member restarted in turn with SIGKILL',
  act: (scene) => restarted(scene, 'SIGKILL'),
  bounds: (outcome) => [
    within(6, 'failed requests', outcome.load?.failed),
    atMost(30, 'failed requests, on any machine', outcome.load?.failed),
    within(
      (outcome.figures.election ?? Number.NaN) + 200,
      'longest gap (ms): the longest election and 200',
      outcome.load?.longestGap,
    ),
    ...spreadBounds(outcome),
  ],
};
