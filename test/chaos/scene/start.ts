/**
 * A real etcd cluster with a network namespace for each member. Owns the members' processes, their
 * folder, their certificates and their network.
 */
import { setTimeout as delay } from 'node:timers/promises';
import type { EtcdBinary } from '../../../src/demo/etcd-binary.ts';
import { clusterCertificates } from '../../faults/cluster/certificates.ts';
import { ensureNamespaces } from '../../machine/programs.ts';
import { now } from '../clients/record.ts';
import { ask, type Caller, callerFrom } from './ask.ts';
import type { Answer, ChaosCluster, ChaosMember, Harm, Mend, Peer, Way } from './cluster.ts';
import { RunFolder } from './folder.ts';
import { Harms } from './harms.ts';
import { EtcdMember, type Shared } from './member.ts';
import { Membership } from './membership.ts';
import { Network, places } from './network.ts';

export interface ClusterOptions {
  readonly etcd: EtcdBinary;
  readonly size: 3 | 5;
  /** Do members speak mutual TLS to clients? */
  readonly tls: boolean;
  /** Told what takes time, in lines for a person. */
  readonly onProgress?: (line: string) => void;
}

/** Resolves when every member answers. Leaves nothing behind when it rejects. Needs root. */
export async function startCluster({
  etcd: { etcd, etcdctl },
  size,
  tls,
  onProgress,
}: ClusterOptions): Promise<NamespaceCluster> {
  if (etcdctl === undefined)
    throw new Error('There is no etcdctl beside etcd: install etcd-client.');
  await ensureNamespaces(onProgress ?? (() => {}));
  await using parts = new AsyncDisposableStack();
  const network = parts.use(await Network.create());
  const folder = parts.use(new RunFolder()).path;
  const certificates = tls ? await clusterCertificates(namesIn(network), parts) : undefined;
  const shared = { etcd, folder, network, certificates };
  const cluster = new NamespaceCluster(shared, etcdctl, size);
  // Disposed first: a folder that is written to does not go.
  parts.defer(() => cluster.killAll());
  await cluster.startAll();
  cluster.owns(parts.move());
  return cluster;
}

/** What a balancer may know members by: addresses, and the names that a name server gives them. */
function namesIn(network: Network): readonly string[] {
  const all = Array.from({ length: places }, (_, place) => place);
  const names = all.map((place) => `m${place}.etcd.test`);
  return [...all.map((place) => network.address(place)), ...names, 'etcd.test'];
}

export class NamespaceCluster implements ChaosCluster {
  readonly etcd: ChaosCluster['etcd'];
  readonly certificates: ChaosCluster['certificates'];
  readonly folder: string;
  /** As whom and from where the harness asks. */
  readonly caller: Caller;
  readonly #shared: Shared;
  readonly #membership: Membership;
  /** By place. */
  readonly #harms = new Map<number, Harms>();
  #members: readonly EtcdMember[] = [];
  #named = 0;
  #parts = new AsyncDisposableStack();

  constructor(shared: Shared, etcdctl: string, size: number) {
    this.#shared = shared;
    this.etcd = { etcd: shared.etcd, etcdctl };
    this.certificates = shared.certificates;
    this.folder = shared.folder;
    this.caller = callerFrom(shared.network.ownAddress, shared.certificates);
    this.#members = Array.from({ length: size }, (_, place) => this.#newMember(place));
    for (const member of this.#members) member.beginsWith(this.#members, 'new');
    this.#membership = new Membership((turn, path, body) => {
      const able = this.#members.filter(
        ({ state, isLearner }) => state === 'running' && !isLearner,
      );
      const asked = able[turn % able.length];
      if (asked === undefined) throw new Error('No member runs that could be asked.');
      return this.ask(asked, path, body, 2_000);
    });
  }

  get members(): readonly EtcdMember[] {
    return this.#members;
  }

  /** Where everybody connects from who does not choose: the balancer. Cuts of 'balancer' are about it. */
  get balancerAddress(): string {
    return this.#shared.network.balancerAddress;
  }

  /** What is to go when it goes. */
  owns(parts: AsyncDisposableStack): void {
    this.#parts = parts;
  }

  async startAll(): Promise<void> {
    await Promise.all(
      this.#members.map(async (member) => {
        await this.#shared.network.join(member.place);
        await member.start();
      }),
    );
    await this.ready();
    await Promise.all(
      this.#members.map(async (member) => {
        const { text } = await this.ask(member, '/v3/maintenance/status', '{}');
        member.id = (JSON.parse(text) as { header: { member_id: string } }).header.member_id;
      }),
    );
  }

  async killAll(): Promise<void> {
    await Promise.all(this.#members.map((member) => member.kill()));
  }

  async ask(
    member: Pick<ChaosMember, 'clientUrl'>,
    path: string,
    body?: string,
    patience?: number,
  ): Promise<Answer> {
    return await ask(this.caller, `${member.clientUrl}${path}`, { body, patience });
  }

  async ready(): Promise<void> {
    let silent: readonly EtcdMember[] = [];
    for (const deadline = now() + 30_000; now() < deadline; await delay(50)) {
      const running = this.#members.filter(({ state }) => state === 'running');
      const healthy = await Promise.all(running.map((member) => this.#isHealthy(member)));
      silent = running.filter((_, index) => !healthy[index]);
      if (silent.length === 0) return;
    }
    const said = silent.map((member) => `${member.name}: ${member.lastWords()}`);
    throw new Error(`Waited 30 s until every member answers /health, in vain. ${said.join('\n')}`);
  }

  cut(member: ChaosMember, peer: Peer, way: Way, harm: Harm): Promise<Mend> {
    return this.#own(member).harms.cut(peer, way, harm);
  }

  slow(member: ChaosMember, kilobytes: number): Promise<Mend> {
    return this.#own(member).harms.slow(kilobytes);
  }

  slowDisk(member: ChaosMember, ms: number): Promise<Mend> {
    return this.#own(member).flushes.slow(ms);
  }

  async add({ learner }: { readonly learner: boolean }): Promise<EtcdMember> {
    const used = new Set(this.#members.map(({ place }) => place));
    const place = Array.from({ length: places }, (_, each) => each).find((each) => !used.has(each));
    if (place === undefined)
      throw new Error(`There is no address for more than ${places} members.`);
    return await this.#addAt(place, learner);
  }

  async promote(member: ChaosMember): Promise<void> {
    const own = this.#own(member);
    await this.#membership.promote(own.id);
    own.isLearner = false;
  }

  async remove(member: ChaosMember): Promise<void> {
    const own = this.#own(member);
    await this.#membership.remove(own.id);
    await own.retire();
  }

  async replace(member: ChaosMember): Promise<EtcdMember> {
    await this.remove(member);
    return await this.#addAt(this.#own(member).place, false);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#parts.disposeAsync();
  }

  async #addAt(place: number, learner: boolean): Promise<EtcdMember> {
    await this.#shared.network.join(place);
    const member = this.#newMember(place);
    const { id, isLearner } = await this.#membership.add(member.peerUrl, learner);
    member.id = id;
    member.isLearner = isLearner;
    this.#members = [...this.#members, member];
    member.beginsWith(
      this.#members.filter(({ state }) => state !== 'removed'),
      'existing',
    );
    // It ends when it cannot ask its peers who is in the cluster, or they have not heard of it yet.
    for (const deadline = now() + 10_000; ; await delay(200)) {
      try {
        await member.start();
        return member;
      } catch (error) {
        await member.kill();
        if (now() >= deadline) throw error;
      }
    }
  }

  #newMember(place: number): EtcdMember {
    const harms = this.#harms.get(place) ?? new Harms(this.#shared.network, place);
    this.#harms.set(place, harms);
    const name = `m${this.#named}`;
    this.#named += 1;
    return new EtcdMember(name, place, this.#shared, harms);
  }

  #own({ name }: ChaosMember): EtcdMember {
    const own = this.#members.find((member) => member.name === name);
    if (own === undefined) throw new Error(`${name} is not of this cluster.`);
    return own;
  }

  async #isHealthy(member: EtcdMember): Promise<boolean> {
    return await this.ask(member, '/health').then(
      ({ status }) => status === 200,
      () => false,
    );
  }
}
