/**
 * One fault against one contestant: a cluster, the contestant in front of it, clients at work, the
 * fault, and the figures. Everything that was started is gone when it resolves or rejects.
 */
import { setTimeout as delay } from 'node:timers/promises';
import type { EtcdBinary } from '../../src/demo/etcd-binary.ts';
import type { Contestant } from '../contestants/contestant.ts';
import { EtcdLb } from '../contestants/etcd-lb.ts';
import { Folder } from '../machine/folder.ts';
import type { LogLine } from '../support/balancer.ts';
import { startLoopbackCluster } from './cluster/loopback-cluster.ts';
import { type FaultCluster, placeOf } from './cluster/member.ts';
import { startNamespaceCluster } from './cluster/namespace-cluster.ts';
import { type Fault, type Figures, fullPace, type Pace, type Props } from './fault.ts';
import { holdsIn } from './holds.ts';
import type { Where } from './load/client.ts';
import { Load } from './load/load.ts';
import { clients, type LoadPlan, now } from './load/plan.ts';
import { type FaultWindow, type LoadSummary, summarize } from './load/summary.ts';
import { etcdOf, inShort, type Setting, type TlsMode } from './setting.ts';

/** Lines of etcd-lb's log in a result. */
const linesKept = 400;
const goClients = { watchers: 3, leases: 2, every: 500 } as const;

export interface Measured {
  readonly fault: string;
  readonly contestant: string;
  /** Its release, such as `3.4`. */
  readonly etcd: string;
  readonly tls: TlsMode;
  readonly members: number;
  readonly load: LoadSummary | undefined;
  readonly figures: Figures;
  /** What the fault did and when. */
  readonly did: readonly string[];
  /** What etcd-lb logged from the fault on: why, when a bound was missed. */
  readonly said: readonly string[];
}

export interface RunOptions {
  readonly pace: Pace;
  /** Told what takes time, in lines for a person. */
  readonly onProgress: (line: string) => void;
  /** A cluster that is ready, to be used and left running; otherwise one is made for this run. */
  readonly cluster?: FaultCluster;
}

/** The cluster that a fault needs. */
export async function startCluster(
  { network }: Pick<Fault, 'network'>,
  setting: Setting,
  onProgress: (line: string) => void,
): Promise<FaultCluster> {
  const etcd = await etcdOf(setting.etcd);
  return network === 'loopback'
    ? await startLoopbackCluster(etcd, setting)
    : await startNamespaceCluster(etcd, setting, onProgress);
}

export async function runOnce(
  fault: Fault,
  contestant: Contestant,
  setting: Setting,
  options: RunOptions,
): Promise<Measured> {
  const { pace, onProgress } = options;
  await using parts = new AsyncDisposableStack();
  const folder = parts.use(new Folder()).path;
  const cluster = options.cluster ?? parts.use(await startCluster(fault, setting, onProgress));
  const { etcd, credentials: tls } = cluster;
  const members = cluster.members.map((member) => ({ name: member.name, ...placeOf(member) }));
  const props: Props = (await fault.props?.(members, parts, folder)) ?? {};
  const endpoints = props.endpoints ?? members;
  const startOptions = {
    folder,
    ...(props.prefix && { prefix: props.prefix }),
    ...(props.env && { env: props.env }),
    ...(tls && { tls: { ca: tls.ca, ...tls.client } }),
  };
  const running = parts.use(await contestant.start(endpoints, startOptions));

  const where = { addresses: running.addresses, ...(tls && { tls }) };
  const load = fault.unloaded ? undefined : parts.use(await Load.start(planFor(where, etcd)));
  const faults: FaultWindow[] = [];
  const did: string[] = [];
  const note = (what: string) => did.push(`${new Date(now()).toISOString()} ${what}`);
  await delay(pace.calm);
  const etcdLb = running instanceof EtcdLb ? running : undefined;
  const logged = etcdLb?.log.length ?? 0;
  const figures = await fault.act({
    ...{ cluster, contestant: running, pace, props, endpoints, where, startOptions },
    etcdLb,
    note,
    breaking: (what = 'the fault begins') => {
      note(what);
      const at = now();
      faults.push({ from: at, until: at });
      return at;
    },
    servesAgain: () => {
      const window = faults.at(-1);
      if (window) window.until = now();
    },
  });
  await delay(pace.calm);
  const record = await load?.stop();
  const log = etcdLb?.log.slice(logged) ?? [];
  return {
    fault: fault.name,
    contestant: contestant.name,
    etcd: inShort(etcd),
    tls: setting.tls,
    members: cluster.members.length,
    load: record && summarize(record, faults),
    figures: { ...figures, ...(etcdLb && holdsIn(log)) },
    did,
    said: log.slice(0, linesKept).map(inOneLine),
  };
}

/**
 * Failures that clients have at least that know the members and stay where they are, in the issue's
 * 20 s of hang: every request that is sent to the hung member and is not answered by its waking up.
 * For runs without the direct contestant, and for the abridged form: what a balancer loses until it
 * has found out does not depend on how long the hang lasts.
 */
export function leastDirectFailures({ members }: Pick<Setting, 'members'>): number {
  const perSecond = (clients.requesters / members) * (1_000 / clients.every);
  return (perSecond * (fullPace.hang - clients.patience)) / 1_000;
}

function inOneLine({ time, msg }: LogLine): string {
  return `${String(time)} ${msg}`;
}

function planFor(where: Where, { etcdctl }: EtcdBinary): LoadPlan {
  return { ...where, ...clients, ...(etcdctl && { go: { etcdctl, ...goClients } }) };
}
