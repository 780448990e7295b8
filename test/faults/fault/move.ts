/** Leadership is handed over again and again, as an operator does it before a restart. */
import { setTimeout as delay } from 'node:timers/promises';
import { leaderOf, moveLeader } from '../cluster/leader.ts';
import type { FaultMember } from '../cluster/member.ts';
import type { Fault, Scene } from '../fault.ts';
import { now } from '../load/plan.ts';
import { plannedBounds } from './kill.ts';

/** Between two moves, ms. */
const rest = 300;

/** Of etcd-lb it is asked as operators do, of the others there is only etcd to ask. */
async function move({ cluster, etcdLb }: Scene, from: FaultMember, to: FaultMember): Promise<void> {
  if (etcdLb) await etcdLb.command('move-leader', to.name);
  else await moveLeader(cluster, from, to);
}

export const movedLeader: Fault = {
  name: 'move-leader',
  what: 'leadership moved under load, again and again',
  members: 3,
  anySize: true,
  network: 'loopback',
  async act(scene) {
    const { cluster, pace } = scene;
    let longest = 0;
    for (let each = 0; each < pace.moves; each += 1) {
      const leader = await leaderOf(cluster);
      const others = cluster.members.filter((member) => member !== leader);
      const next = others[each % others.length];
      if (next === undefined) throw new Error('The cluster has no follower.');
      const at = scene.breaking(`move from ${leader.name} to ${next.name}`);
      await move(scene, leader, next);
      const successor = await leaderOf(cluster);
      if (successor !== next) throw new Error(`${successor.name} leads, and not ${next.name}.`);
      scene.servesAgain();
      longest = Math.max(longest, now() - at);
      await delay(rest);
    }
    return { election: longest };
  },
  bounds: (outcome) => plannedBounds(100, outcome),
};
