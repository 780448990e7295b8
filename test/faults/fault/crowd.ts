/** Thousands of sessions, and the member that a third of them lie on dies. */
import { setTimeout as delay } from 'node:timers/promises';
import { followerOf } from '../cluster/leader.ts';
import { atMost, type Fault, within } from '../fault.ts';
import { Crowd } from '../load/crowd.ts';
import { now } from '../load/plan.ts';
import { sessionsOn, sessionsPerMember, spreadOf } from './sessions.ts';

export const crowdRehomed: Fault = {
  name: 'crowd',
  what: '2,000 sessions on a member that dies',
  members: 3,
  network: 'loopback',
  unloaded: true,
  // Clients that know every member would need a connection to each, which is not the question.
  needsProcess: true,
  async act(scene) {
    const { cluster, where, pace } = scene;
    const size = pace.crowd * cluster.members.length;
    await using crowd = await Crowd.start(where, size);
    await delay(pace.calm);
    const member = await followerOf(cluster);
    const index = cluster.members.indexOf(member);
    const sessionsThere = await sessionsOn(scene, member);
    const at = scene.breaking();
    await member.kill();
    // Over when as many sessions lie on the living members as there are clients, two looks in a row.
    let rehomed = Number.POSITIVE_INFINITY;
    for (const deadline = at + 15_000; now() < deadline; await delay(25)) {
      const living = (await sessionsPerMember(scene)).toSpliced(index, 1);
      if (living.reduce((a, b) => a + b, 0) < size) continue;
      rehomed = now() - at;
      break;
    }
    await delay(500);
    const living = (await sessionsPerMember(scene)).toSpliced(index, 1);
    const mean = living.reduce((a, b) => a + b, 0) / living.length;
    const spread = (spreadOf(living) / Math.max(1, mean)) * 100;
    await crowd.stop();
    await member.start();
    await cluster.ready();
    return { sessionsThere, rehomed, spread };
  },
  bounds: ({ figures }) => [
    within(2_000, 'all re-homed after (ms)', figures.rehomed),
    atMost(10, 'spread then (% of the mean)', figures.spread),
  ],
};
