/**
 * One fault against one contestant: a cluster, the contestant in front of it, clients at work, the
 * fault, and the figures. Everything that was started is gone when it resolves or rejects.
 */
import { setTimeout as delay } from 'node:timers/promises';
import { startLocalCluster } from '../../src/demo/local-cluster.ts';
import type { Contestant } from '../contestants/contestant.ts';
import { EtcdLb } from '../contestants/etcd-lb.ts';
import { Folder } from '../machine/folder.ts';
import type { LogLine } from '../support/balancer.ts';
import { findFaultEtcd } from './cluster/etcd.ts';
import { type FaultCluster, placeOf } from './cluster/member.ts';
import { startNamespaceCluster } from './cluster/namespace-cluster.ts';
import { type Fault, type Figures, fullPace, type Pace, type Props } from './fault.ts';
import { Load } from './load/load.ts';
import { clients, type LoadPlan, now } from './load/plan.ts';
import { type FaultWindow, type LoadSummary, summarize } from './load/summary.ts';

const goClients = { watchers: 3, leases: 2, every: 500 } as const;

export interface Measured {
  readonly fault: string;
  readonly contestant: string;
  readonly load: LoadSummary | undefined;
  readonly figures: Figures;
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
  { network, members }: Pick<Fault, 'network' | 'members'>,
  onProgress: (line: string) => void,
): Promise<FaultCluster> {
  return network === 'loopback'
    ? await startLocalCluster({ etcd: await findFaultEtcd(), size: members })
    : await startNamespaceCluster(members, onProgress);
}

export async function runOnce(
  fault: Fault,
  contestant: Contestant,
  options: RunOptions,
): Promise<Measured> {
  const { pace, onProgress } = options;
  await using parts = new AsyncDisposableStack();
  const folder = parts.use(new Folder()).path;
  const cluster = options.cluster ?? parts.use(await startCluster(fault, onProgress));
  const members = cluster.members.map((member) => ({ name: member.name, ...placeOf(member) }));
  const props: Props = (await fault.props?.(members, parts, folder)) ?? {};
  const endpoints = props.endpoints ?? members;
  const running = parts.use(
    await contestant.start(endpoints, {
      folder,
      ...(props.prefix && { prefix: props.prefix }),
      ...(props.env && { env: props.env }),
    }),
  );

  const load = fault.unloaded ? undefined : parts.use(await Load.start(await plan(running)));
  const faults: FaultWindow[] = [];
  await delay(pace.calm);
  const etcdLb = running instanceof EtcdLb ? running : undefined;
  const logged = etcdLb?.log.length ?? 0;
  const figures = await fault.act({
    ...{ cluster, contestant: running, pace, props, endpoints },
    etcdLb,
    breaking: () => {
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
  return {
    fault: fault.name,
    contestant: contestant.name,
    load: record && summarize(record, faults),
    figures,
    said: etcdLb?.log.slice(logged, logged + 200).map(inOneLine) ?? [],
  };
}

/**
 * Failures that clients have at least that know the members and stay where they are, in the issue's
 * 20 s of hang: every request that is sent to the hung member and is not answered by its waking up.
 * For runs without the direct contestant, and for the abridged form: what a balancer loses until it
 * has found out does not depend on how long the hang lasts.
 */
export function leastDirectFailures(fault: Fault): number {
  const perSecond = (clients.requesters / fault.members) * (1_000 / clients.every);
  return (perSecond * (fullPace.hang - clients.patience)) / 1_000;
}

function inOneLine({ time, msg }: LogLine): string {
  return `${String(time)} ${msg}`;
}

async function plan({ addresses }: { readonly addresses: readonly string[] }): Promise<LoadPlan> {
  const { etcdctl } = await findFaultEtcd();
  return { addresses, ...clients, ...(etcdctl && { go: { etcdctl, ...goClients } }) };
}
