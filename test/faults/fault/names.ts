/** Members are given by name, and DNS stops answering while the balancer runs. */
import { setTimeout as delay } from 'node:timers/promises';
import { NameServer } from '../../machine/name-server.ts';
import { atLeast, atMost, type Fault, type Scene, within } from '../fault.ts';
import { now } from '../load/plan.ts';
import { slowestFirstAnswer } from './quorum.ts';
import { evictedFrom, known } from './sessions.ts';

export const namesGone: Fault = {
  name: 'dns-gone',
  what: 'the DNS server of the balancer, which knows its members by name, goes silent',
  members: 3,
  network: 'loopback',
  needsProcess: true,
  async props(endpoints, parts, folder) {
    if (process.getuid?.() !== 0) {
      throw new Error(
        'This fault gives a process another DNS server, which only root may do: run it as root.',
      );
    }
    const names = parts.use(await NameServer.start(folder));
    return {
      names,
      prefix: names.prefix,
      endpoints: endpoints.map((endpoint) => ({ ...endpoint, host: `${endpoint.name}.etcd.test` })),
    };
  },
  async act(scene) {
    const { names } = scene.props;
    if (names === undefined) throw new Error('No name server was set up.');
    const evictedBefore = await evictedFrom(scene, scene.cluster.members);
    const logBefore = scene.etcdLb?.log.length ?? 0;
    scene.breaking();
    names.silent = true;
    await delay(scene.pace.hang / 2);
    const newClient = await slowestFirstAnswer(scene);
    names.silent = false;
    const evicted = await evictedFrom(scene, scene.cluster.members);
    const recovered = await secondsToHealth(scene);
    const saidSo = scene.etcdLb?.log
      .slice(logBefore)
      .some((line) => /dns|resolv|getaddrinfo|lookup|name/i.test(JSON.stringify(line)));
    return {
      newClient,
      ...known('recovered', recovered),
      ...known(
        'evictedWrongly',
        evicted === undefined ? undefined : evicted - (evictedBefore ?? 0),
      ),
      ...known('saidSo', saidSo === undefined ? undefined : Number(saidSo)),
    };
  },
  bounds: ({ load, figures }) => [
    atMost(0, 'failed requests', load?.failed),
    atMost(0, 'sessions evicted', figures.evictedWrongly),
    within(1_000, 'slowest first answer of a new client meanwhile (ms)', figures.newClient),
    within(15, 'seconds until every member is healthy again', figures.recovered),
    atLeast(1, 'says so', figures.saidSo),
  ],
};

/** Seconds until etcd-lb finds every member healthy again; Infinity when that takes 30. */
export async function secondsToHealth({ etcdLb }: Scene): Promise<number | undefined> {
  if (etcdLb === undefined) return undefined;
  const begun = now();
  for (const deadline = begun + 30_000; now() < deadline; await delay(50)) {
    const { members } = await etcdLb.status();
    if (members.every(({ state }) => state === 'healthy')) return (now() - begun) / 1_000;
  }
  return Number.POSITIVE_INFINITY;
}
