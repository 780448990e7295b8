/** Every member is restarted in turn, as an upgrade does it. */
import { setTimeout as delay } from 'node:timers/promises';
import { electedWithout } from '../cluster/leader.ts';
import { atMost, type Fault, type Figures, type Scene, within } from '../fault.ts';
import { known, LongestUnused, secondsToBalance } from './sessions.ts';

async function restarted(scene: Scene, signal: NodeJS.Signals): Promise<Figures> {
  const { cluster, etcdLb, pace } = scene;
  const watch = etcdLb && new LongestUnused(etcdLb);
  for (const member of cluster.members) {
    watch?.start(cluster.members.filter((each) => each !== member));
    scene.breaking();
    await member.kill(signal);
    await electedWithout(cluster, member);
    scene.servesAgain();
    await delay(pace.down / 3);
    await member.start();
    await cluster.ready();
    // What an operator's tooling waits before it goes on.
    await delay(pace.down);
    await watch?.stop();
  }
  return { balanced: await secondsToBalance(scene), ...known('unused', watch?.longest) };
}

export const rollingGraceful: Fault = {
  name: 'rolling-graceful',
  what: 'every member restarted in turn with SIGTERM',
  members: 3,
  network: 'loopback',
  act: (scene) => restarted(scene, 'SIGTERM'),
  bounds: ({ load, figures }) => [
    atMost(0, 'requests failed by the transport and not in flight', load?.failedLater),
    within(1_000, 'longest that a member that runs was not used (ms)', figures.unused),
    within(10, 'seconds until sessions are spread', figures.balanced),
  ],
};

export const rollingKill: Fault = {
  ...rollingGraceful,
  name: 'rolling-kill',
  what: 'every member restarted in turn with SIGKILL',
  act: (scene) => restarted(scene, 'SIGKILL'),
};
