/**
 * A real etcd cluster with a network namespace for each member, so that a member can be cut off
 * from its peers, from its clients or from everybody while its process goes on.
 *
 * Owns the members' processes, their folder and their network. Faults that do not touch the network
 * use startLocalCluster, which needs no root.
 */
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { Child } from '../../machine/child.ts';
import { Folder } from '../../machine/folder.ts';
import { ensureNamespaces } from '../../machine/programs.ts';
import { now } from '../load/plan.ts';
import { findFaultEtcd } from './etcd.ts';
import type { FaultCluster, FaultMember } from './member.ts';
import { type Cut, clientPort, Network, peerPort } from './network.ts';

export async function startNamespaceCluster(
  size: number,
  onProgress: (line: string) => void,
): Promise<NamespaceCluster> {
  await ensureNamespaces(onProgress);
  const { etcd } = await findFaultEtcd();
  const network = await Network.create(size);
  const cluster = new NamespaceCluster(etcd, size, network, new Folder());
  try {
    await Promise.all(cluster.members.map((member) => member.start()));
    await cluster.ready();
    return cluster;
  } catch (error) {
    await cluster[Symbol.asyncDispose]();
    throw error;
  }
}

export class NamespaceCluster implements FaultCluster {
  readonly members: readonly NamespaceMember[];
  readonly #network: Network;
  readonly #folder: Folder;

  constructor(etcd: string, size: number, network: Network, folder: Folder) {
    this.#network = network;
    this.#folder = folder;
    const everyone = Array.from(
      { length: size },
      (_, index) => `m${index}=http://${network.address(index)}:${peerPort}`,
    ).join();
    this.members = Array.from(
      { length: size },
      (_, index) => new NamespaceMember(etcd, index, network, folder.path, everyone),
    );
  }

  /** Waits until every member answers a linearizable /health; 30 s at most. */
  async ready(): Promise<void> {
    for (const deadline = now() + 30_000; now() < deadline; await delay(50)) {
      const answers = await Promise.all(this.members.map((member) => member.isHealthy()));
      if (answers.every(Boolean)) return;
    }
    throw new Error('Waited 30 s until every member answers /health, in vain.');
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all(this.members.map((member) => member.kill()));
    this.#network[Symbol.dispose]();
    this.#folder[Symbol.dispose]();
  }
}

export class NamespaceMember implements FaultMember {
  readonly name: string;
  readonly clientUrl: string;
  readonly #index: number;
  readonly #network: Network;
  readonly #command: readonly string[];
  #child: Child | undefined;
  #paused = false;

  constructor(etcd: string, index: number, network: Network, folder: string, everyone: string) {
    this.name = `m${index}`;
    this.#index = index;
    this.#network = network;
    const address = network.address(index);
    this.clientUrl = `http://${address}:${clientPort}`;
    const peerUrl = `http://${address}:${peerPort}`;
    this.#command = [
      ...network.at(index),
      ...[etcd, '--name', this.name, '--data-dir', join(folder, this.name)],
      ...['--listen-client-urls', this.clientUrl, '--advertise-client-urls', this.clientUrl],
      ...['--listen-peer-urls', peerUrl, '--initial-advertise-peer-urls', peerUrl],
      ...['--initial-cluster', everyone, '--initial-cluster-token', folder],
      // The default since etcd 3.5, and what keeps a member that comes back from forcing an election
      // of its own; without it this would be measured and not the balancer.
      '--pre-vote',
      ...['--logger', 'zap', '--log-outputs', 'stderr', '--log-level', 'warn'],
    ];
  }

  get pid(): number | undefined {
    return this.#child?.pid;
  }

  get running(): boolean {
    return this.#child !== undefined && !this.#child.ended && !this.#paused;
  }

  async start(): Promise<void> {
    this.#child = new Child(`etcd ${this.name}`, this.#command);
    await this.#child.listens(clientPort, this.#network.address(this.#index));
  }

  async kill(signal: NodeJS.Signals = 'SIGKILL'): Promise<void> {
    await this.#child?.end(signal);
    this.#paused = false;
  }

  pause(): void {
    this.#child?.signal('SIGSTOP');
    this.#paused = true;
  }

  resume(): void {
    this.#child?.signal('SIGCONT');
    this.#paused = false;
  }

  /** Drops its packets, silently; the process goes on. */
  cut(what: Cut): Promise<void> {
    return this.#network.cut(this.#index, what);
  }

  mend(): Promise<void> {
    return this.#network.mend(this.#index);
  }

  async isHealthy(): Promise<boolean> {
    try {
      const answer = await fetch(`${this.clientUrl}/health`, {
        headers: { connection: 'close' },
        signal: AbortSignal.timeout(1_000),
      });
      return answer.ok;
    } catch {
      return false;
    }
  }
}
