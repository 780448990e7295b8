/** What befalls members themselves: their processes, their disks, their stores. */
import { setTimeout as delay } from 'node:timers/promises';
import type { Mend } from '../scene/cluster.ts';
import { type Act, leads, reachOf, type Scene } from './scene.ts';

/** Until the end of a process is known to the balancer: the reset of its connections, ms. */
const noticed = 300;
/** Until a member that answers nothing is left by its clients: two failed checks and an interval, ms. */
export const untilEvicted = 3_000;
/** Until the last of them is, a busy machine included, ms. */
export const untilClosed = 4_000;
/** Until what clients say is held where the leader answers nothing: its patience and a busy machine, ms. */
export const untilHeld = 1_500;

export const kill: Act = async (scene, _, member) => {
  if (member.state === 'stopped' || member.state === 'removed') return undefined;
  const hit = scene.hits.begin(`${member.name} was killed`, reachOf(scene, member));
  await member.kill();
  hit.end(noticed);
  return async () => {
    if (member.state === 'stopped') await member.start();
  };
};

export const term: Act = async (scene, _, member) => {
  if (member.state !== 'running') return undefined;
  const hit = scene.hits.begin(`${member.name} was ended`, reachOf(scene, member));
  await member.kill('SIGTERM');
  hit.end(noticed);
  return async () => {
    if (member.state === 'stopped') await member.start();
  };
};

export const restart: Act = async (scene, step, member) => {
  const start = await term(scene, step, member);
  await start?.();
  return undefined;
};

export const stop: Act = async (scene, _, member) => {
  if (member.state !== 'running') return undefined;
  const hit = scene.hits.begin(`${member.name} was stopped`, { member: member.name });
  hit.end(untilEvicted);
  hit.closes(untilClosed);
  if (leads(scene, member)) {
    scene.hits.begin(`${member.name}, the leader, was stopped`, 'everywhere').end(untilHeld);
  }
  member.pause();
  return async () => {
    if (member.state === 'paused') member.resume();
  };
};

export const slowDisk: Act = async (scene, { amount = 50 }, member) => {
  if (member.state !== 'running') return undefined;
  const hit = scene.hits.begin(`the disk of ${member.name} was slow`, reachOf(scene, member));
  const mend = await scene.cluster.slowDisk(member, amount);
  return async () => {
    await mend();
    hit.end(1_000);
  };
};

export const defragment: Act = async (scene, _, member) => {
  if (member.state !== 'running') return undefined;
  await asked(scene, `defragment ${member.name}`, () =>
    scene.cluster.ask(member, '/v3/maintenance/defragment', '{}', 10_000),
  );
  return undefined;
};

/** What was before the clients began: nobody's watch can need it. */
export const compact: Act = async (scene) => {
  const revision = scene.firstRevision;
  const body = JSON.stringify({ revision: String(revision), physical: true });
  await anyMember(scene, 'compact', '/v3/kv/compaction', body);
  return undefined;
};

export const noSpace: Act = async (scene, _, member) => {
  const alarm = (action: string) =>
    anyMember(
      scene,
      `${action} NOSPACE`,
      '/v3/maintenance/alarm',
      JSON.stringify({ action, memberID: member.id, alarm: 'NOSPACE' }),
    );
  const hit = scene.hits.begin('NOSPACE was raised', 'everywhere', /space/i);
  await alarm('ACTIVATE');
  return async () => {
    for (let attempt = 0; attempt < 50 && !(await alarm('DEACTIVATE')); attempt += 1) {
      await delay(200); // there may be no leader
    }
    hit.end(1_000);
  };
};

/** By etcd itself, which nobody holds clients for: what is in flight then may be lost. */
export const etcdMoveLeader: Act = async (scene) => {
  const leader = scene.cluster.members.find((member) => leads(scene, member));
  const others = scene.cluster.members.filter(
    ({ name, state, isLearner }) => name !== leader?.name && state === 'running' && !isLearner,
  );
  if (leader === undefined || others.length === 0) return undefined;
  const next = scene.random.pick(others);
  const hit = scene.hits.begin(`${leader.name} handed over to ${next.name}`, 'everywhere');
  await asked(scene, 'move the leader', () =>
    scene.cluster.ask(
      leader,
      '/v3/maintenance/transfer-leadership',
      JSON.stringify({ targetID: next.id }),
      5_000,
    ),
  );
  hit.end(noticed);
  return undefined;
};

/** Asks the members that run, one after the other, until one does it. Resolves with whether one did. */
async function anyMember(scene: Scene, what: string, path: string, body: string): Promise<boolean> {
  for (const member of scene.cluster.members.filter(({ state }) => state === 'running')) {
    if (await asked(scene, what, () => scene.cluster.ask(member, path, body, 3_000))) return true;
  }
  return false;
}

/** What etcd refuses is noted: a fault may be in the way of another. */
async function asked(
  { note }: Scene,
  what: string,
  ask: () => Promise<{ readonly status: number; readonly text: string }>,
): Promise<boolean> {
  try {
    const { status, text } = await ask();
    if (status === 200) return true;
    note(`etcd refused to ${what}: ${text.trim()}`);
  } catch (error) {
    note(`etcd did not ${what}: ${error instanceof Error ? error.message : error}`);
  }
  return false;
}

/** Takes back several things. */
export function mendAll(mends: readonly Mend[]): Mend {
  return async () => {
    for (const mend of mends) await mend();
  };
}
