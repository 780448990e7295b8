/**
 * One etcd process in a network namespace of its own, and its data.
 *
 *   running ──pause──► paused         `stopped` has no process: killed, or ended by itself;
 *      │ ▲ ◄──resume──   │            `removed` is off the cluster's list for good
 *      │ └──start── stopped ◄── kill
 *      └─────► removed ◄─┘
 */
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { connect } from 'node:net';
import { join } from 'node:path';
import { Child } from '../../machine/child.ts';
import type { Certificates } from '../../support/certificates.ts';
import type { ChaosMember, MemberState } from './cluster.ts';
import { Flushes } from './flushes.ts';
import type { Harms } from './harms.ts';
import { clientPort, type Network, peerPort } from './network.ts';

/** What every member of a cluster is started with. */
export interface Shared {
  /** Path of the program. */
  readonly etcd: string;
  readonly folder: string;
  readonly network: Network;
  readonly certificates: Certificates | undefined;
}

export class EtcdMember implements ChaosMember {
  readonly name: string;
  readonly clientUrl: string;
  readonly peerUrl: string;
  /** Of its namespace and address. */
  readonly place: number;
  readonly flushes: Flushes;
  readonly harms: Harms;
  isLearner = false;
  /** Empty until the cluster is up. */
  id = '';
  readonly #shared: Shared;
  #initial: readonly string[] = [];
  #child: Child | undefined;
  #paused = false;
  #removed = false;

  /** @param harms of the place, which outlive its member. */
  constructor(name: string, place: number, shared: Shared, harms: Harms) {
    const { network, certificates } = shared;
    this.name = name;
    this.place = place;
    this.harms = harms;
    this.#shared = shared;
    const address = network.address(place);
    this.clientUrl = `${certificates ? 'https' : 'http'}://${address}:${clientPort}`;
    this.peerUrl = `http://${address}:${peerPort}`;
    this.flushes = new Flushes(() => (this.#hasProcess ? this.#child?.pid : undefined));
  }

  get state(): MemberState {
    if (this.#removed) return 'removed';
    if (!this.#hasProcess) return 'stopped';
    return this.#paused ? 'paused' : 'running';
  }

  /** With whom it begins while its data folder is empty; a later start goes by its data. */
  beginsWith(everyone: readonly EtcdMember[], state: 'new' | 'existing'): void {
    this.#initial = [
      ...['--initial-cluster', everyone.map(({ name, peerUrl }) => `${name}=${peerUrl}`).join()],
      ...['--initial-cluster-state', state],
    ];
  }

  async start(): Promise<void> {
    if (this.state !== 'stopped') throw new Error(`etcd ${this.name} is ${this.state}.`);
    const { network, etcd } = this.#shared;
    const command = [...network.at(this.place), etcd, ...this.#args()];
    // Written by etcd itself: lines of several members through our pipes would take time from the load.
    const logged = ['sh', '-c', 'exec >>"$0" 2>&1 "$@"', this.#log, ...command];
    const child = new Child(`etcd ${this.name}`, logged);
    this.#child = child;
    this.#paused = false;
    try {
      await child.until('accept clients', async () => (await this.#accepts()) || undefined);
    } catch (error) {
      throw new Error(`${(error as Error).message} ${this.lastWords()}`);
    }
    await this.flushes.apply();
  }

  async kill(signal: 'SIGKILL' | 'SIGTERM' = 'SIGKILL'): Promise<void> {
    await this.#child?.end(signal);
    this.#paused = false;
  }

  pause(): void {
    if (this.state !== 'running') throw new Error(`etcd ${this.name} is ${this.state}.`);
    this.#child?.signal('SIGSTOP');
    this.#paused = true;
  }

  resume(): void {
    if (this.state !== 'paused') return;
    this.#child?.signal('SIGCONT');
    this.#paused = false;
  }

  /** Ends it for good: it is off the list. Its log stays, its data goes, since it may be in memory. */
  async retire(): Promise<void> {
    this.#removed = true;
    const giveUp = setTimeout(() => this.#child?.endNow(), 3_000);
    await this.kill('SIGTERM');
    clearTimeout(giveUp);
    await rm(this.#data, { recursive: true, force: true });
  }

  /** The end of its log. */
  lastWords(): string {
    try {
      return readFileSync(this.#log, 'utf8').slice(-1_500);
    } catch {
      return '';
    }
  }

  get #hasProcess(): boolean {
    return this.#child !== undefined && !this.#child.ended;
  }

  get #data(): string {
    return join(this.#shared.folder, this.name);
  }

  get #log(): string {
    return join(this.#shared.folder, `${this.name}.log`);
  }

  #args(): readonly string[] {
    const { certificates, folder } = this.#shared;
    return [
      ...['--name', this.name, '--data-dir', this.#data, '--initial-cluster-token', folder],
      ...['--listen-client-urls', this.clientUrl, '--advertise-client-urls', this.clientUrl],
      ...['--listen-peer-urls', this.peerUrl, '--initial-advertise-peer-urls', this.peerUrl],
      ...this.#initial,
      ...(certificates ? mutualTls(certificates) : []),
      // The default since etcd 3.5; without it a member that comes back forces an election.
      '--pre-vote',
      // It refuses changes while members are only just connected, which after a fault they are.
      '--strict-reconfig-check=false',
      ...['--logger', 'zap', '--log-outputs', 'stderr', '--log-level', 'info'],
    ];
  }

  /** Asked from our own address: the balancer's may be cut off. */
  async #accepts(): Promise<boolean> {
    const { network } = this.#shared;
    const socket = connect({
      ...{ host: network.address(this.place), port: clientPort, localAddress: network.ownAddress },
      timeout: 1_000,
    });
    socket.on('timeout', () => socket.destroy(new Error('timeout')));
    try {
      await once(socket, 'connect');
      return true;
    } catch {
      return false;
    } finally {
      socket.destroy();
    }
  }
}

function mutualTls({ ca, server }: Certificates): readonly string[] {
  return [
    ...['--cert-file', server.cert, '--key-file', server.key],
    ...['--client-cert-auth', '--trusted-ca-file', ca],
  ];
}
