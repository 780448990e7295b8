/** What befalls the network of a member, and the names of members. */
import type { Harm, Mend, Peer, Way } from '../scene/cluster.ts';
import { hostName } from '../scene/configuration.ts';
import { mendAll, untilClosed, untilEvicted, untilHeld } from './members.ts';
import { type Act, leads, reachOf } from './scene.ts';

/** Until a leader that was cut off from its peers is followed by another that clients are told of, ms. */
const untilFollowed = 5_000;

/** Packets of these peers, in the way that the step says, come to that harm. */
function cut(harm: Harm, ...peers: readonly Peer[]): Act {
  return async (scene, { way = 'both' }, member) => {
    const what = `${harm} of ${peers.join(' and ')} at ${member.name}, ${way}`;
    const hits = [scene.hits.begin(what, { member: member.name })];
    const isSilent = harm === 'drop';
    if (peers.includes('peers')) {
      // It has to find out itself that it is alone, and then the balancer.
      if (isSilent) hits[0]?.end(untilFollowed);
      if (leads(scene, member)) hits.push(scene.hits.begin(`${what}, the leader`, 'everywhere'));
      if (isSilent) hits[1]?.end(untilFollowed);
    } else if (isSilent) {
      hits[0]?.end(untilEvicted);
      hits[0]?.closes(untilClosed);
      if (leads(scene, member)) {
        const hit = scene.hits.begin(`${what}, the leader`, 'everywhere');
        hit.end(untilHeld);
        hits.push(hit);
      }
    }
    const mends: Mend[] = [];
    for (const peer of peers) mends.push(await scene.cluster.cut(member, peer, way as Way, harm));
    const mend = mendAll(mends);
    return async () => {
      await mend();
      for (const hit of hits) hit.end(harm === 'reset' ? 300 : 1_000);
    };
  };
}

export const cutBalancer = cut('drop', 'balancer');
export const cutPeers = cut('drop', 'peers');
export const cutAll = cut('drop', 'balancer', 'peers');
export const lossyBalancer = cut('lossy', 'balancer');
export const lossyPeers = cut('lossy', 'peers');
export const resetBalancer = cut('reset', 'balancer');

export const slow: Act = async (scene, { amount = 100 }, member) => {
  const hit = scene.hits.begin(`${member.name} was slow`, reachOf(scene, member));
  const mend = await scene.cluster.slow(member, amount);
  return async () => {
    await mend();
    hit.end(1_500);
  };
};

export const namesVanish: Act = async ({ names }, _, member) => {
  names?.vanish(hostName(member));
  return async () => names?.set(hostName(member), [addressOf(member)]);
};

/** It leads to where nobody is. */
export const namesChange: Act = async ({ names }, _, member) => {
  names?.set(hostName(member), [addressOf(member).replace(/\d+$/, '250')]);
  return async () => names?.set(hostName(member), [addressOf(member)]);
};

export const namesSilent: Act = async ({ names }) => {
  if (names !== undefined) names.silent = true;
  return async () => {
    if (names !== undefined) names.silent = false;
  };
};

function addressOf({ clientUrl }: { readonly clientUrl: string }): string {
  return new URL(clientUrl).hostname;
}
