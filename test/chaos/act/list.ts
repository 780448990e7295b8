/** What is done to the cluster's list of members, and how the balancer learns of it. */
import { setTimeout as delay } from 'node:timers/promises';
import type { ChaosMember } from '../scene/cluster.ts';
import { hostName, serve } from '../scene/configuration.ts';
import { reload } from './balancer.ts';
import { type Act, reachOf, type Scene } from './scene.ts';

/** A learner is given this long to catch up before it is promoted, ms. */
const untilPromoted = 1_500;

export const add: Act = async (scene, { way }) => {
  const isLearner = way === 'learner';
  const member = await attempt(scene, 'add a member', () =>
    scene.cluster.add({ learner: isLearner }),
  );
  if (member === undefined) return undefined;
  await tell(scene);
  if (isLearner) {
    await delay(untilPromoted);
    await attempt(scene, `promote ${member.name}`, async () => {
      await scene.cluster.promote(member);
      return member;
    });
  }
  return undefined;
};

export const remove: Act = async (scene, _, member) => {
  if (member.state === 'removed') return undefined;
  const hit = scene.hits.begin(`${member.name} was removed`, reachOf(scene, member));
  await attempt(scene, `remove ${member.name}`, async () => {
    await scene.cluster.remove(member);
    return member;
  });
  hit.end(500);
  await tell(scene);
  return undefined;
};

export const replace: Act = async (scene, _, member) => {
  if (member.state === 'removed') return undefined;
  const hit = scene.hits.begin(`${member.name} was replaced`, reachOf(scene, member));
  await attempt(scene, `replace ${member.name}`, () => scene.cluster.replace(member));
  hit.end(500);
  await tell(scene);
  return undefined;
};

/** Members as they are now: by a reload, or by names; under `members` the cluster itself tells. */
async function tell(scene: Scene): Promise<void> {
  const { cluster, configuration, names, setting } = scene;
  const present = cluster.members.filter(({ state }) => state !== 'removed');
  for (const each of cluster.members) if (each.state === 'removed') scene.drained.delete(each.name);
  configuration.endpointsAre(present);
  for (const member of present) {
    names?.set(hostName(member), [new URL(member.clientUrl).hostname]);
  }
  if (names) serve(names, present);
  if (setting.discovery === 'static' || setting.discovery === 'names') await reload(scene);
}

/** etcd may refuse: without a leader nobody is added. That is noted. */
async function attempt(
  { note }: Scene,
  what: string,
  act: () => Promise<ChaosMember | undefined>,
): Promise<ChaosMember | undefined> {
  try {
    return await act();
  } catch (error) {
    note(`etcd did not ${what}: ${error instanceof Error ? error.message : error}`);
    return undefined;
  }
}
