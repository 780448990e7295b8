/** A member is cut from its peers while clients still reach it: it answers, but serves no quorum. */
import { setTimeout as delay } from 'node:timers/promises';
import { electedWithout, followerOf } from '../cluster/leader.ts';
import { NamespaceMember } from '../cluster/namespace-cluster.ts';
import { type Fault, within } from '../fault.ts';
import { now } from '../load/plan.ts';
import { known, secondsToBalance, sessionsOn, withdrawnAfter } from './sessions.ts';

export const minorityPartition: Fault = {
  name: 'minority-partition',
  what: 'one member cut from its peers, but reachable by clients',
  members: 3,
  anySize: true,
  network: 'namespaces',
  async act(scene) {
    const member = await followerOf(scene.cluster);
    if (!(member instanceof NamespaceMember)) throw new Error('It has no network to cut.');
    const sessionsThere = await sessionsOn(scene, member);
    const at = scene.breaking();
    await member.cut('peers');
    const [withdrawn] = await Promise.all([
      withdrawnAfter(scene, member, at),
      electedWithout(scene.cluster, member),
    ]);
    await delay(Math.max(0, at + scene.pace.hang - now()));
    await member.mend();
    await scene.cluster.ready();
    return {
      sessionsThere,
      ...known('withdrawn', withdrawn),
      balanced: await secondsToBalance(scene),
    };
  },
  bounds: ({ figures }) => [within(2_000, 'gone from routing after (ms)', figures.withdrawn)],
};
