/**
 * A real etcd cluster with a network namespace for each member, so that a member can be cut off
 * from its peers, from its clients or from everybody while its process goes on.
 *
 * Owns the members' processes, their folder and their network. Faults that do not touch the network
 * use startLocalCluster, which needs no root.
 */
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import type { EtcdBinary } from '../../../src/demo/etcd-binary.ts';
import { Child } from '../../machine/child.ts';
import { Folder } from '../../machine/folder.ts';
import { ensureNamespaces } from '../../machine/programs.ts';
import type { Certificates, ClientCredentials } from '../../support/certificates.ts';
import { now } from '../load/plan.ts';
import type { Setting } from '../setting.ts';
import { type Ask, askWith } from './ask.ts';
import { clusterCertificates } from './certificates.ts';
import type { FaultCluster, FaultMember } from './member.ts';
import { type Cut, clientPort, Network, peerPort } from './network.ts';

export async function startNamespaceCluster(
  etcd: EtcdBinary,
  { members: size, tls }: Setting,
  onProgress: (line: string) => void,
): Promise<NamespaceCluster> {
  await ensureNamespaces(onProgress);
  await using starting = new AsyncDisposableStack();
  const network = starting.use(await Network.create(size));
  const addresses = Array.from({ length: size }, (_, index) => network.address(index));
  const certificates =
    tls === 'passthrough' ? await clusterCertificates(addresses, starting) : undefined;
  const folder = starting.use(new Folder());
  const cluster = new NamespaceCluster(etcd, network, addresses, folder.path, certificates);
  // Disposed first: a namespace with a process in it, or a folder that is written to, does not go.
  starting.defer(() => cluster.killAll());
  await Promise.all(cluster.members.map((member) => member.start()));
  await cluster.ready();
  cluster.owns(starting.move());
  return cluster;
}

export class NamespaceCluster implements FaultCluster {
  readonly members: readonly NamespaceMember[];
  readonly etcd: EtcdBinary;
  readonly credentials: ClientCredentials | undefined;
  readonly ask: Ask;
  #parts = new AsyncDisposableStack();

  constructor(
    etcd: EtcdBinary,
    network: Network,
    addresses: readonly string[],
    folder: string,
    certificates: Certificates | undefined,
  ) {
    this.etcd = etcd;
    this.credentials = certificates;
    this.ask = askWith(certificates);
    const everyone = addresses
      .map((address, index) => `m${index}=http://${address}:${peerPort}`)
      .join();
    this.members = addresses.map(
      (_, index) =>
        new NamespaceMember(index, network, { etcd: etcd.etcd, folder, everyone, certificates }),
    );
  }

  /** What is to go when it goes. */
  owns(parts: AsyncDisposableStack): void {
    this.#parts = parts;
  }

  /** Waits until every member answers a linearizable /health; 30 s at most. */
  async ready(): Promise<void> {
    for (const deadline = now() + 30_000; now() < deadline; await delay(50)) {
      const answers = await Promise.all(this.members.map((member) => this.#isHealthy(member)));
      if (answers.every(Boolean)) return;
    }
    throw new Error('Waited 30 s until every member answers /health, in vain.');
  }

  async killAll(): Promise<void> {
    await Promise.all(this.members.map((member) => member.kill()));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#parts.disposeAsync();
  }

  async #isHealthy({ clientUrl }: NamespaceMember): Promise<boolean> {
    return await this.ask(`${clientUrl}/health`).then(
      ({ status }) => status === 200,
      () => false,
    );
  }
}

/** What every member of a cluster is started with. */
interface Shared {
  readonly etcd: string;
  readonly folder: string;
  /** As `--initial-cluster` has it. */
  readonly everyone: string;
  readonly certificates: Certificates | undefined;
}

export class NamespaceMember implements FaultMember {
  readonly name: string;
  readonly clientUrl: string;
  readonly #index: number;
  readonly #network: Network;
  readonly #args: readonly string[];
  #etcd: string;
  #child: Child | undefined;
  #paused = false;

  constructor(index: number, network: Network, shared: Shared) {
    const { etcd, folder, everyone, certificates } = shared;
    this.name = `m${index}`;
    this.#index = index;
    this.#network = network;
    this.#etcd = etcd;
    const address = network.address(index);
    this.clientUrl = `${certificates ? 'https' : 'http'}://${address}:${clientPort}`;
    const peerUrl = `http://${address}:${peerPort}`;
    this.#args = [
      ...['--name', this.name, '--data-dir', join(folder, this.name)],
      ...['--listen-client-urls', this.clientUrl, '--advertise-client-urls', this.clientUrl],
      ...['--listen-peer-urls', peerUrl, '--initial-advertise-peer-urls', peerUrl],
      ...['--initial-cluster', everyone, '--initial-cluster-token', folder],
      ...(certificates ? mutualTls(certificates) : []),
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

  /** @param etcd path of another etcd than before, which it keeps. */
  async start(etcd = this.#etcd): Promise<void> {
    this.#etcd = etcd;
    const command = [...this.#network.at(this.#index), etcd, ...this.#args];
    this.#child = new Child(`etcd ${this.name}`, command);
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
}

function mutualTls({ ca, server }: Certificates): readonly string[] {
  return [
    ...['--cert-file', server.cert, '--key-file', server.key],
    ...['--client-cert-auth', '--trusted-ca-file', ca],
  ];
}
