/** The balancer itself does not get to run: hung for 3 s, or beside a busy neighbour on every core. */
import { cpus } from 'node:os';
import { setTimeout as delay } from 'node:timers/promises';
import { Child } from '../../machine/child.ts';
import { atMost, type Fault, type Scene, within } from '../fault.ts';
import { evictedFrom, known } from './sessions.ts';

async function evictedMeanwhile(
  scene: Scene,
  starve: () => Promise<void>,
): Promise<number | undefined> {
  const before = await evictedFrom(scene, scene.cluster.members);
  scene.breaking();
  await starve();
  const after = await evictedFrom(scene, scene.cluster.members);
  return after === undefined ? undefined : after - (before ?? 0);
}

export const stoppedBalancer: Fault = {
  name: 'starved-stopped',
  what: 'the balancer stopped for 3 s, then going on',
  members: 3,
  network: 'loopback',
  needsProcess: true,
  async act(scene) {
    const evicted = await evictedMeanwhile(scene, async () => {
      scene.contestant.child?.signal('SIGSTOP');
      await delay(3_000);
      scene.contestant.child?.signal('SIGCONT');
      await delay(3_000);
    });
    return known('evictedWrongly', evicted);
  },
  bounds: ({ figures, load }) => [
    atMost(0, 'sessions evicted', figures.evictedWrongly),
    within(0, 'requests failed later by the transport', load?.failedLater),
  ],
};

/** Two busy processes a core, so that even what is awake all the time gets a third of one. */
export async function busyCores(forMs: number): Promise<void> {
  await using busy = new AsyncDisposableStack();
  const spin = `const end = Date.now() + ${forMs}; while (Date.now() < end);`;
  for (let each = 0; each < cpus().length * 2; each += 1) {
    busy.use(new Child('busy neighbour', [process.execPath, '-e', spin]));
  }
  await delay(forMs);
}

export const busyNeighbour: Fault = {
  ...stoppedBalancer,
  name: 'starved-neighbour',
  what: 'a busy neighbour on every core',
  needsProcess: false,
  async act(scene) {
    const evicted = await evictedMeanwhile(scene, async () => {
      await busyCores(scene.pace.hang / 2);
    });
    return known('evictedWrongly', evicted);
  },
};
