/** Members that join a cluster that runs, as an operator adds them: `member add`, then a start. */
import type { EtcdBinary } from '../../src/demo/etcd-binary.ts';
import { freePorts } from '../../src/demo/free-ports.ts';
import type { LocalCluster } from '../../src/demo/local-cluster.ts';
import { type LocalMember, Member, type Place } from '../../src/demo/local-member.ts';
import type { ClientCredentials } from './certificates.ts';
import { etcdctl } from './clients.ts';

export interface Joining {
  readonly name: string;
  readonly learner?: boolean;
  /** What it tells clients to go to, if not where it listens. */
  readonly advertises?: string;
}

/** Adds a member and does not start it. `all` are those of the cluster, the first of which is asked. */
export async function addMember(
  all: readonly LocalMember[],
  etcd: EtcdBinary,
  { name, learner = false }: Joining,
): Promise<Place> {
  const [clientPort = 0, peerPort = 0] = await freePorts(2);
  const peerUrl = `http://127.0.0.1:${peerPort}`;
  const place = { name, clientPort, clientUrl: `http://127.0.0.1:${clientPort}`, peerUrl };
  const ctl = etcdctl(etcd, all.map(({ clientUrl }) => clientUrl).join());
  // Refused while the cluster is busy with the change before, or its members are only just connected.
  await retried(() =>
    ctl('member', 'add', name, ...(learner ? ['--learner'] : []), `--peer-urls=${peerUrl}`),
  );
  return place;
}

/** Starts one that was added. `flags` are more flags of etcd. */
export async function startAdded(
  cluster: LocalCluster,
  all: readonly LocalMember[],
  etcd: EtcdBinary,
  place: Place,
  { advertises }: Pick<Joining, 'advertises'> = {},
  flags: readonly string[] = [],
): Promise<Member> {
  const initial = [...all, place].map(({ name, peerUrl }) => `${name}=${peerUrl}`).join();
  const member = new Member(
    place,
    cluster.folder,
    etcd.etcd,
    [
      ...['--initial-cluster', initial, '--initial-cluster-state', 'existing'],
      '--strict-reconfig-check=false',
      ...['--logger', 'zap', '--log-outputs', 'stderr', '--log-level', 'warn'],
      // The last of several flags counts.
      ...(advertises === undefined ? [] : ['--advertise-client-urls', advertises]),
      ...flags,
    ],
    undefined,
  );
  await member.start();
  return member;
}

/** The id of a member, in hexadecimal, by what these members or URLs say. */
export async function idOf(
  member: Pick<LocalMember, 'name'>,
  asked: readonly LocalMember[] | string,
  etcd: EtcdBinary,
  certificates?: ClientCredentials,
): Promise<string> {
  const urls = typeof asked === 'string' ? asked : asked.map(({ clientUrl }) => clientUrl).join();
  const list = await etcdctl(etcd, urls, certificates)('member', 'list');
  const line = list.split('\n').find((each) => each.split(', ')[2] === member.name);
  const [id] = line?.split(', ') ?? [];
  if (id === undefined) throw new Error(`${member.name} is not listed`);
  return id;
}

/** Until it succeeds, for up to 20 s. */
export async function retried<T>(attempt: () => Promise<T>): Promise<T> {
  const until = Date.now() + 20_000;
  for (;;) {
    try {
      return await attempt();
    } catch (error) {
      if (Date.now() >= until) throw error;
      await new Promise((resolve) => setTimeout(resolve, 250));
    }
  }
}
