/** Two of three members hang for 5 s: no leader can be elected, and the third lives. */
import { setTimeout as delay } from 'node:timers/promises';
import { leaderOf } from '../cluster/leader.ts';
import { atMost, type Fault } from '../fault.ts';
import { evictedFrom, known, secondsToBalance, sessionsOn } from './sessions.ts';

export const longElection: Fault = {
  name: 'long-election',
  what: 'two members of three stopped for 5 s',
  members: 3,
  network: 'loopback',
  async act(scene) {
    const leader = await leaderOf(scene.cluster);
    const [living, ...others] = scene.cluster.members.filter(({ name }) => name !== leader.name);
    if (living === undefined) throw new Error('The cluster has no follower.');
    const sessionsThere = await sessionsOn(scene, living);
    const before = await evictedFrom(scene, [living]);
    scene.breaking();
    for (const member of [leader, ...others]) member.pause();
    await delay(5_000);
    for (const member of [leader, ...others]) member.resume();
    await scene.cluster.ready();
    // The end of it counts as well: members do not recover in the same millisecond.
    await delay(1_000);
    const after = await evictedFrom(scene, [living]);
    return {
      sessionsThere,
      ...known('evictedWrongly', after === undefined ? undefined : after - (before ?? 0)),
      balanced: await secondsToBalance(scene),
    };
  },
  bounds: ({ figures }) => [
    atMost(0, 'sessions evicted from the living member', figures.evictedWrongly),
  ],
};
