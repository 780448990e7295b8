/** Which member a step hits. */

import type { ChaosMember } from '../scene/cluster.ts';
import type { Step } from '../schedule/schedule.ts';
import { leaderOf, type Scene } from './scene.ts';

/** Whom the steps of a run have hit, in their order. */
const chosen = new WeakMap<Scene, ChaosMember[]>();

/**
 * The member of a step, now that it begins; any one for a step that hits none. `undefined` where nobody is
 * what it asks for.
 */
export function choose(step: Step, index: number, scene: Scene): ChaosMember | undefined {
  const hit = chosen.get(scene) ?? [];
  chosen.set(scene, hit);
  const present = scene.cluster.members.filter(({ state }) => state !== 'removed');
  const voters = present.filter(({ isLearner }) => !isLearner);
  const leader = leaderOf(scene);
  const others = voters.filter(({ name }) => name !== leader);
  const pick = (from: readonly ChaosMember[]) => from[index % Math.max(1, from.length)];
  const member = {
    leader: voters.find(({ name }) => name === leader) ?? pick(voters),
    follower: pick(others.filter(({ state }) => state === 'running')) ?? pick(others),
    same: hit.findLast((each) => present.includes(each)) ?? pick(voters),
    another: pick(voters.filter((each) => !hit.includes(each))) ?? pick(voters),
  }[step.member ?? 'follower'];
  if (member !== undefined && step.member !== undefined) hit.push(member);
  return member;
}
