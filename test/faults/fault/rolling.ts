/** Every member is restarted in turn, as an upgrade does it. */
import { setTimeout as delay } from 'node:timers/promises';
import { type Fault, type Figures, type Scene, within } from '../fault.ts';
import { secondsToBalance } from './sessions.ts';

async function restarted(scene: Scene, signal: NodeJS.Signals): Promise<Figures> {
  for (const member of scene.cluster.members) {
    scene.breaking();
    await member.kill(signal);
    await delay(scene.pace.down / 3);
    await member.start();
    await scene.cluster.ready();
    // What an operator's tooling waits before it goes on.
    await delay(scene.pace.down);
  }
  return { balanced: await secondsToBalance(scene) };
}

export const rollingGraceful: Fault = {
  name: 'rolling-graceful',
  what: 'every member restarted in turn with SIGTERM',
  members: 3,
  network: 'loopback',
  act: (scene) => restarted(scene, 'SIGTERM'),
  bounds: ({ load, figures }) => [
    within(0, 'requests failed by the transport and not in flight', load?.failedLater),
    within(10, 'seconds until sessions are spread', figures.balanced),
  ],
};

export const rollingKill: Fault = {
  ...rollingGraceful,
  name: 'rolling-kill',
  what: 'every member restarted in turn with SIGKILL',
  act: (scene) => restarted(scene, 'SIGKILL'),
};
