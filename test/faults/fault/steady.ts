/**
 * Strains that are no fault of a leader: slow is not lost. One after the other, while clients work:
 * a slow disk, defragmentation and snapshots of the leader, full load, busy cores, and the balancer
 * itself stopped for half a second at a time.
 */
import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { promisify } from 'node:util';
import { slowDisk } from '../../machine/slow-disk.ts';
import { etcd3 } from '../../support/clients.ts';
import { leaderOf, termOf } from '../cluster/leader.ts';
import type { FaultMember } from '../cluster/member.ts';
import { type Fault, type Scene, within } from '../fault.ts';
import { flood } from '../load/flood.ts';
import { now } from '../load/plan.ts';
import { busyCores } from './starved.ts';

const run = promisify(execFile);

/** What a flush takes longer, ms. */
const slowFlush = 300;
/** Values of 500 kB, so that defragmentation and snapshots take a while. */
const bulk = 60;
/** How long the balancer stands still, and how long it runs in between, ms. */
const still = 500;
const running = 1_500;

type Strain = (scene: Scene, leader: FaultMember, forMs: number) => Promise<void>;

const strains: Readonly<Record<string, Strain>> = {
  'slow disk': async (_scene, { pid = 0 }, forMs) => slowDisk(pid, slowFlush, forMs),
  defragmentation: (scene, leader, forMs) => again(forMs, () => defragment(scene, leader)),
  snapshots: (scene, leader, forMs) => again(forMs, () => takeSnapshot(scene, leader)),
  'busy cores': (_scene, _leader, forMs) => busyCores(forMs),
  'stopped balancer': async ({ contestant: { child } }, _leader, forMs) => {
    if (child === undefined) return;
    await again(forMs, async () => {
      child.signal('SIGSTOP');
      await delay(still);
      child.signal('SIGCONT');
      await delay(running);
    });
  },
};

async function again(forMs: number, act: () => Promise<void>): Promise<void> {
  for (const deadline = now() + forMs; now() < deadline; await delay(200)) await act();
}

async function defragment({ cluster }: Scene, { clientUrl }: FaultMember): Promise<void> {
  const question = { body: '{}', patience: 60_000 };
  const { status, text } = await cluster.ask(`${clientUrl}/v3/maintenance/defragment`, question);
  if (status !== 200) throw new Error(`etcd did not defragment: ${text.trim()}`);
}

async function takeSnapshot(
  { cluster: { etcd, credentials }, startOptions: { folder } }: Scene,
  { clientUrl }: FaultMember,
): Promise<void> {
  if (etcd.etcdctl === undefined) throw new Error('etcdctl is missing: set ETCDCTL=/path/to/it.');
  const tls = credentials
    ? [
        '--cacert',
        credentials.ca,
        '--cert',
        credentials.client.cert,
        '--key',
        credentials.client.key,
      ]
    : [];
  const file = join(folder, 'snapshot.db');
  await run(etcd.etcdctl, ['--endpoints', clientUrl, ...tls, 'snapshot', 'save', file], {
    env: { ...process.env, ETCDCTL_API: '3' },
  });
}

async function fill(
  { cluster: { credentials } }: Scene,
  { clientUrl }: FaultMember,
): Promise<void> {
  const writer = etcd3(clientUrl, credentials);
  for (let value = 0; value < bulk; value += 1) {
    await writer.put('faults/bulk').value(Buffer.alloc(500_000, value));
  }
  writer.close();
}

export const steady: Fault = {
  name: 'steady',
  what: 'slow disk, defragmentation and snapshots of the leader, full load, busy cores, a stopped balancer',
  members: 3,
  anySize: true,
  network: 'loopback',
  async act(scene) {
    const { cluster, where, pace } = scene;
    const forMs = pace.steady / (Object.keys(strains).length + 1);
    await fill(scene, await leaderOf(cluster));
    const term = await termOf(cluster);
    for (const [name, strain] of Object.entries(strains)) {
      scene.note(`${name} begins`);
      await strain(scene, await leaderOf(cluster), forMs);
      scene.note(`${name} is over, in term ${await termOf(cluster)}`);
    }
    scene.note('full load begins');
    const callsPerSecond = await flood(where, forMs);
    const elections = (await termOf(cluster)) - term;
    scene.note('full load is over');
    await cluster.ready();
    return { callsPerSecond, elections };
  },
  bounds: ({ figures }) => [
    // Where there were elections, holds are what they are for: the notes tell.
    within(50, 'longest hold (ms)', figures.longestHold),
  ],
};
