/** A member's process is killed (SIGKILL) and started again later. */
import { setTimeout as delay } from 'node:timers/promises';
import { electedWithout, followerOf, leaderOf } from '../cluster/leader.ts';
import type { FaultMember } from '../cluster/member.ts';
import { atMost, type Fault, type Figures, type Scene, within } from '../fault.ts';
import { secondsToBalance, sessionsOn } from './sessions.ts';

async function killed(scene: Scene, member: FaultMember): Promise<Figures> {
  const sessionsThere = await sessionsOn(scene, member);
  const at = scene.breaking();
  await member.kill();
  const election = (await electedWithout(scene.cluster, member)) - at;
  scene.servesAgain();
  await delay(Math.max(0, scene.pace.down - election));
  await member.start();
  await scene.cluster.ready();
  return { sessionsThere, election, balanced: await secondsToBalance(scene) };
}

export const killFollower: Fault = {
  name: 'kill-follower',
  what: 'SIGKILL of a follower, back later',
  members: 3,
  network: 'loopback',
  act: async (scene) => killed(scene, await followerOf(scene.cluster)),
  bounds: ({ load, figures }) => [
    atMost(figures.sessionsThere ?? 0, 'failed requests (in flight there)', load?.failed),
    atMost(0, 'requests failed later by the transport', load?.failedLater),
    within(500, 'longest gap (ms)', load?.longestGap),
    within(10, 'seconds until it has its share back', figures.balanced),
  ],
};

export const killLeader: Fault = {
  name: 'kill-leader',
  what: 'SIGKILL of the leader, back later',
  members: 3,
  network: 'loopback',
  act: async (scene) => killed(scene, await leaderOf(scene.cluster)),
  bounds: ({ load, figures }) => [
    // Writes on their way to the dead leader through other members are lost in raft and time out,
    // whoever forwarded them: these are not counted here.
    atMost(0, 'requests failed later by the transport', load?.failedLater),
    within((figures.election ?? 0) + 500, 'longest gap (ms)', load?.longestGap),
    within(10, 'seconds until it has its share back', figures.balanced),
  ],
};
