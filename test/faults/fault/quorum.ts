/** The quorum is lost: step by step with five members and all of them in the end, or at once with three. */
import { setTimeout as delay } from 'node:timers/promises';
import { askWith } from '../cluster/ask.ts';
import { followerOf, leaderOf } from '../cluster/leader.ts';
import type { FaultMember } from '../cluster/member.ts';
import { atLeast, atMost, type Fault, holdLimit, type Scene, within } from '../fault.ts';
import { holdsIn } from '../holds.ts';
import { impatientClient, urlsOf } from '../load/client.ts';
import { Crowd } from '../load/crowd.ts';
import { now } from '../load/plan.ts';
import { evictedFrom, known } from './sessions.ts';

export const lostQuorum: Fault = {
  name: 'lost-quorum',
  what: 'of five members two lost, then three (no quorum), then all; all back',
  members: 5,
  network: 'loopback',
  unloaded: true,
  async act(scene) {
    const { cluster, where, etcdLb, pace } = scene;
    const [a, b, c, ...rest] = cluster.members as readonly FaultMember[];
    if (!a || !b || !c) throw new Error('Five members are needed.');
    scene.breaking();
    await Promise.all([a.kill(), b.kill()]);
    await leaderOf(cluster);
    await delay(pace.calm);
    const newClient = await slowestFirstAnswer(scene);
    await using idle = await Crowd.start(where, 60);

    await c.kill();
    const before = await evictedFrom(scene, rest);
    const saidSo = etcdLb && (await becomesUnready(scene));
    await delay(2_000);
    const after = await evictedFrom(scene, rest);

    await Promise.all(rest.map((member) => member.kill()));
    await delay(pace.calm);
    await Promise.all(cluster.members.map((member) => member.start()));
    await leaderOf(cluster);
    await cluster.ready();
    const back = now();
    await served(scene);
    await idle.stop();
    return {
      newClient,
      ...known('saidSo', saidSo),
      ...known('evictedWrongly', after === undefined ? undefined : after - (before ?? 0)),
      servedAgain: now() - back,
    };
  },
  bounds: ({ figures }) => [
    within(1_000, 'slowest first answer of a new client with two lost (ms)', figures.newClient),
    atLeast(1, 'says that there is no quorum', figures.saidSo),
    atMost(0, 'sessions evicted for want of a quorum', figures.evictedWrongly),
    within(2_000, 'served again after the quorum is back (ms)', figures.servedAgain),
  ],
};

/** Clients may learn of it by etcd's own errors when the hold is over, ms. */
const toldBy = holdLimit + 750;

export const quorumAway: Fault = {
  name: 'quorum-lost-30s',
  what: 'of three members two killed at once, and 30 s later back',
  outlastsLeases: true,
  members: 3,
  network: 'loopback',
  async act(scene) {
    const { cluster, etcdLb, pace } = scene;
    const lost = [await leaderOf(cluster), await followerOf(cluster)];
    const logged = etcdLb?.log.length ?? 0;
    const at = scene.breaking(`SIGKILL to ${lost.map(({ name }) => name).join(' and ')}`);
    const told = toldByEtcd(scene, at + pace.quorum);
    await Promise.all(lost.map((member) => member.kill()));
    await delay(Math.max(0, at + pace.quorum - now()));
    const without = etcdLb && holdsIn(etcdLb.log.slice(logged)).holds;
    const answered = await told;
    await Promise.all(lost.map((member) => member.start()));
    await leaderOf(cluster);
    scene.servesAgain();
    scene.note('all back, there is a leader');
    const back = now();
    await served(scene);
    const servedAgain = now() - back;
    await cluster.ready();
    return { ...known('holdsWithoutLeader', without), toldByEtcd: answered - at, servedAgain };
  },
  bounds: ({ figures }) => [
    atLeast(1, 'held', figures.holdsWithoutLeader),
    atMost(1, 'held again without a leader seen', figures.holdsWithoutLeader),
    within(toldBy, "until etcd's own answer reached a client (ms)", figures.toldByEtcd),
    within(2_000, 'served again after there is a leader (ms)', figures.servedAgain),
  ],
};

/**
 * When a new client was first told by a member itself that there is no leader, ms; Infinity when that
 * was not until the deadline. Asks four times a second, and waits for each answer.
 */
async function toldByEtcd({ where, cluster }: Scene, deadline: number): Promise<number> {
  const ask = askWith(cluster.credentials);
  const [url = ''] = urlsOf(where);
  let told = Number.POSITIVE_INFINITY;
  const open: Promise<void>[] = [];
  for (; now() < deadline && !Number.isFinite(told); await delay(250)) {
    const patience = Math.max(1, Math.ceil(deadline - now()));
    const asked = ask(`${url}/health`, { patience }).then(
      ({ text }) => {
        if (text.includes('"false"')) told = Math.min(told, now());
      },
      () => {},
    );
    open.push(asked);
  }
  await Promise.all(open);
  return told;
}

/** Slowest first answer (ms) of five new clients; Infinity when one gets none within 5 s. */
export async function slowestFirstAnswer({ where }: Pick<Scene, 'where'>): Promise<number> {
  const times = await Promise.all(
    Array.from({ length: 5 }, async () => {
      const client = impatientClient(where, 5_000);
      const begun = now();
      try {
        await client.put('faults/new').value('');
        return now() - begun;
      } catch {
        return Number.POSITIVE_INFINITY;
      } finally {
        client.close();
      }
    }),
  );
  return Math.max(...times);
}

/** Until a client that tries again and again is served; 20 s at most. */
async function served({ where }: Scene): Promise<void> {
  const client = impatientClient(where, 500);
  try {
    for (const deadline = now() + 20_000; now() < deadline; await delay(20)) {
      const done = await client
        .put('faults/again')
        .value('')
        .catch(() => undefined);
      if (done) return;
    }
  } finally {
    client.close();
  }
}

/** 1 when /readyz says so within 10 s, else 0. */
async function becomesUnready({ etcdLb }: Scene): Promise<number> {
  for (const deadline = now() + 10_000; now() < deadline; await delay(50)) {
    if ((await etcdLb?.status())?.mode === 'panic') return 1;
  }
  return 0;
}
