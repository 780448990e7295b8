/** Makes the scene of a schedule: cluster, names, certificates, balancer. All of it goes on disposal. */
import { copyFile, mkdir, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { findEtcd } from '../../../src/demo/etcd-binary.ts';
import { freePorts } from '../../../src/demo/free-ports.ts';
import { createCertificates, type KeyPairFiles } from '../../support/certificates.ts';
import { HeldSocket } from '../../support/listening-socket.ts';
import type { Scene } from '../act/scene.ts';
import type { Place } from '../clients/plan.ts';
import { now } from '../clients/record.ts';
import { Random } from '../schedule/random.ts';
import type { Schedule } from '../schedule/schedule.ts';
import { isSecure, type Setting } from '../schedule/setting.ts';
import { ChaosBalancer } from './balancer.ts';
import type { ChaosCluster } from './cluster.ts';
import { Configuration, hostName, serve } from './configuration.ts';
import { Hits } from './hit.ts';
import { Names } from './names.ts';
import { Reference } from './reference.ts';
import { startCluster } from './start.ts';
import { Truth } from './truth.ts';

/** One thing that was done or seen. */
export interface Note {
  readonly at: number;
  readonly what: string;
}

export interface Built {
  readonly scene: Scene;
  readonly notes: readonly Note[];
  /** What no later check would see. */
  readonly complaints: readonly Note[];
  /** Where clients connect. */
  readonly place: Place;
  readonly etcdctl: string;
}

export interface BuildOptions {
  /** Logs go there. */
  readonly folder: string;
  /** The program that is run as etcd-lb: a path that Node runs. */
  readonly program: string;
}

/** Of all keys that clients write. */
export const prefix = 'chaos/';

/** Resolves when the balancer listens. */
export async function build(
  { seed, setting, steps }: Schedule,
  { folder, program }: BuildOptions,
  parts: AsyncDisposableStack,
): Promise<Built> {
  // Not what an earlier run has left there: drains are kept.
  await rm(folder, { recursive: true, force: true });
  await mkdir(folder, { recursive: true });
  const etcd = await findEtcd({ release: setting.etcd === '3.4' ? 'stable' : 'next' });
  const cluster = parts.use(
    await startCluster({ etcd, size: setting.members, tls: isSecure(setting) }),
  );
  const hasNames = setting.discovery === 'names' || setting.discovery === 'srv';
  const names = hasNames ? parts.use(await namesOf(cluster, folder)) : undefined;
  const tls = await keysOf(setting, cluster, folder, parts);
  const isUnix = setting.tls === 'originate';
  const [port = 0, observePort = 0] = await freePorts(2);
  const handover = steps.find(({ fault }) => fault === 'handover');
  const socket = join(folder, 'clients.sock');
  const isInherited = handover !== undefined && (isUnix || handover.way === 'inherited');
  const held = isInherited ? parts.use(HeldSocket.listening(isUnix ? socket : port)) : undefined;
  const configuration = new Configuration(
    {
      ...{ file: join(folder, 'etcd-lb.yaml'), setting },
      listen: isUnix ? `unix:${socket}` : `127.0.0.1:${port}`,
      observe: `127.0.0.1:${observePort}`,
      adminSocket: join(folder, 'admin.sock'),
      stateFolder: join(folder, 'state'),
      sharesPort: !isUnix && !isInherited,
      members: tls.members,
      server: tls.server,
    },
    cluster.members,
  );
  await mkdir(join(folder, 'state'), { recursive: true });
  configuration.write();
  const { file, adminSocket, observe } = configuration.options;
  const balancer = parts.use(
    new ChaosBalancer({
      command: [...(names?.prefix ?? []), process.execPath, program],
      ...{ configFile: file, adminSocket, observe, logFile: join(folder, 'etcd-lb.log') },
      ...(held && { inherits: held.descriptor }),
    }),
  );
  await balancer.start();
  const truth = new Truth(cluster);
  parts.defer(() => truth.stop());
  const revision = await new Reference(cluster, prefix, 1).currentRevision();
  const reference = new Reference(cluster, prefix, revision + 1);
  const notes: Note[] = [];
  const complaints: Note[] = [];
  const scene: Scene = {
    ...{ setting, cluster, truth, reference, names, balancer, configuration },
    ...{ hits: new Hits(), random: new Random(seed + 1), drained: new Set<string>() },
    firstRevision: revision,
    renew: tls.renew,
    note: (what) => notes.push({ at: now(), what }),
    complain: (what) => complaints.push({ at: now(), what }),
  };
  const scheme = setting.tls === 'passthrough' || setting.tls === 'terminate' ? 'https' : 'http';
  const place: Place = {
    url: isUnix ? `unix://${socket}` : `${scheme}://127.0.0.1:${port}`,
    ...(tls.clients && { tls: tls.clients }),
  };
  return { scene, notes, complaints, place, etcdctl: cluster.etcd.etcdctl };
}

async function namesOf(cluster: ChaosCluster, folder: string): Promise<Names> {
  const names = await Names.start(folder);
  for (const member of cluster.members) {
    names.set(hostName(member), [new URL(member.clientUrl).hostname]);
  }
  serve(names, cluster.members);
  return names;
}

interface Keys {
  readonly members: { readonly ca: string; readonly client: KeyPairFiles } | undefined;
  readonly server: { readonly ca: string; readonly pair: KeyPairFiles } | undefined;
  readonly clients:
    | { readonly ca: string; readonly cert: string; readonly key: string }
    | undefined;
  readonly renew: Scene['renew'];
}

/** The balancer has files of its own, which can be written anew. */
async function keysOf(
  { tls }: Setting,
  cluster: ChaosCluster,
  folder: string,
  parts: AsyncDisposableStack,
): Promise<Keys> {
  const none = { members: undefined, server: undefined, clients: undefined, renew: undefined };
  if (tls === 'plain') return none;
  const all = cluster.certificates ?? parts.use(await createCertificates());
  const own = { cert: join(folder, 'balancer.crt'), key: join(folder, 'balancer.key') };
  const put = async ({ cert, key }: KeyPairFiles): Promise<void> => {
    // As tools do that renew certificates: beside it first, then renamed.
    await copyFile(key, `${own.key}.new`);
    await copyFile(cert, `${own.cert}.new`);
    await rename(`${own.key}.new`, own.key);
    await rename(`${own.cert}.new`, own.cert);
  };
  let renewed = 0;
  const issue = async () => {
    renewed += 1;
    const names = ['localhost', '127.0.0.1'].map((value) => ({
      type: value === 'localhost' ? ('dns' as const) : ('ip' as const),
      value,
    }));
    return await all.issue(`balancer-${renewed}`, names);
  };
  await put(await issue());
  const { ca, client } = all;
  return {
    members: tls === 'terminate' ? undefined : { ca, client: own },
    server: tls === 'terminate' ? { ca, pair: own } : undefined,
    clients: tls === 'originate' ? undefined : { ca, ...client },
    renew: async () => put(await issue()),
  };
}
