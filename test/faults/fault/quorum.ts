/** Five members: two lost, then a third and with it the quorum, then all, then all back. */
import { setTimeout as delay } from 'node:timers/promises';
import type { Etcd3 } from 'etcd3';
import { etcd3, withoutRetries } from '../../support/clients.ts';
import { leaderOf } from '../cluster/leader.ts';
import type { FaultMember } from '../cluster/member.ts';
import { atLeast, atMost, type Fault, type Scene, within } from '../fault.ts';
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
    const { cluster, contestant, etcdLb, pace } = scene;
    const [a, b, c, ...rest] = cluster.members as readonly FaultMember[];
    if (!a || !b || !c) throw new Error('Five members are needed.');
    scene.breaking();
    await Promise.all([a.kill(), b.kill()]);
    await leaderOf(cluster);
    await delay(pace.calm);
    const newClient = await slowestFirstAnswer(scene);
    await using idle = await Crowd.start(contestant.addresses[0] ?? '', 60);

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

/** Slowest first answer (ms) of five new clients; Infinity when one gets none within 5 s. */
export async function slowestFirstAnswer({
  contestant,
}: Pick<Scene, 'contestant'>): Promise<number> {
  const times = await Promise.all(
    Array.from({ length: 5 }, async () => {
      const client = newClient(contestant.addresses, 5_000);
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
async function served({ contestant }: Scene): Promise<void> {
  const client = newClient(contestant.addresses, 500);
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

function newClient(addresses: readonly string[], patience: number): Etcd3 {
  return etcd3([...addresses], undefined, {
    faultHandling: withoutRetries,
    defaultCallOptions: () => ({ deadline: Date.now() + patience }),
  });
}
