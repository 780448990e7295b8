/**
 * One member is slow: 200 ms more for a round trip, then 5 % of the packets lost. A relay of our own
 * does it, which all contestants, and the clients that know every member, get for that member.
 */
import { setTimeout as delay } from 'node:timers/promises';
import { type Endpoint, hostPort } from '../../contestants/contestant.ts';
import { SlowRelay } from '../cluster/slow-relay.ts';
import { atMost, type Fault, type Props, type Scene, within } from '../fault.ts';
import { impatientClient } from '../load/client.ts';
import { now } from '../load/plan.ts';
import { quantile } from '../load/summary.ts';

async function slowRelay(
  endpoints: readonly Endpoint[],
  parts: AsyncDisposableStack,
): Promise<Props> {
  const [first, ...others] = endpoints;
  if (first === undefined) throw new Error('No member to make slow.');
  const relay = parts.use(await SlowRelay.start(first.host, first.port));
  return { relay, endpoints: [{ ...first, host: '127.0.0.1', port: relay.port }, ...others] };
}

/** Lets clients that know every member work beside the contestant's, and returns their p99 (ms). */
async function slowed(scene: Scene, set: (relay: SlowRelay) => void): Promise<number> {
  const { relay } = scene.props;
  if (relay === undefined) throw new Error('No relay was set up.');
  const addresses = scene.endpoints.map(hostPort);
  const clients = Array.from({ length: 6 }, () =>
    impatientClient({ addresses, tls: scene.cluster.credentials }, 5_000),
  );
  scene.breaking();
  set(relay);
  const times: number[] = [];
  const open: Promise<unknown>[] = [];
  for (const deadline = now() + scene.pace.hang / 2; now() < deadline; await delay(50)) {
    for (const client of clients) {
      const begun = now();
      const asked =
        times.length % 2 === 0 ? client.get('faults/slow') : client.put('faults/slow').value('');
      open.push(asked.then(() => times.push(now() - begun)).catch(() => {}));
    }
  }
  await Promise.all(open);
  for (const client of clients) client.close();
  return quantile(times, 0.99);
}

export const slowMember: Fault = {
  name: 'slow-member',
  what: 'one member answers 200 ms later',
  members: 3,
  network: 'loopback',
  props: slowRelay,
  act: async (scene) => ({
    directP99: await slowed(scene, (relay) => {
      relay.delay = 100;
    }),
  }),
  bounds: ({ load, figures }) => [
    within(figures.directP99 ?? 0, 'p99 through the balancer (direct beside it) (ms)', load?.p99),
    atMost(0, 'failed requests', load?.failed),
  ],
};

export const lossyMember: Fault = {
  ...slowMember,
  name: 'lossy-member',
  what: '5 % of the packets from and to one member are lost',
  act: async (scene) => ({
    directP99: await slowed(scene, (relay) => {
      relay.loss = 0.05;
    }),
  }),
};
