/**
 * Where a recipe of docs/recipes.md is carried out: a real cluster with the balancer in front of it, clients
 * that write and read without repeating anything, and somebody who follows the page line by line. A line that
 * costs one of the clients' calls fails the test.
 */
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type EtcdBinary, findEtcd } from '../../src/demo/etcd-binary.ts';
import { freePorts } from '../../src/demo/free-ports.ts';
import { type LocalCluster, startLocalCluster } from '../../src/demo/local-cluster.ts';
import type { LocalMember, Member, Place } from '../../src/demo/local-member.ts';
import { Balancer } from './balancer.ts';
import { type Certificates, type ClientCredentials, createCertificates } from './certificates.ts';
import { etcdctl } from './clients.ts';
import { idOf, startAdded } from './joining-member.ts';
import type { Request } from './load.ts';
import { Operator } from './operator.ts';
import { PkiFiles } from './pki-files.ts';
import { blocksUnder, carryOut, type Hands } from './recipe.ts';
import { Clients } from './recipe-clients.ts';

/** Of the releases that are at hand: 3.4 is `stable` and 3.5 is `next`. */
const releases = { '3.4': 'stable', '3.5': 'next' } as const;
export type Release = keyof typeof releases;
/** From client to member: all http; mutual TLS; http to the balancer and mutual TLS from there. */
export type Mode = 'plain' | 'passthrough' | 'originate';

export interface SceneOptions {
  /** Members at the beginning. */
  readonly size?: 1 | 3;
  /** More flags of etcd. */
  readonly flags?: readonly string[];
  /** More lines of the balancer's configuration. */
  readonly settings?: string;
  /** How the cluster begins, if that is not how it ends. */
  readonly begins?: Mode;
}

interface Made
  extends Pick<
    Scene,
    'mode' | 'etcd' | 'cluster' | 'folder' | 'certificates' | 'files' | 'options'
  > {
  readonly mayFail: number;
}

export class Scene implements AsyncDisposable {
  readonly parts = new AsyncDisposableStack();
  /** The headings and blocks that were carried out. */
  readonly done = new Set<string>();
  /** As the balancer is now that commands ask. */
  mode: Mode;
  /** What etcdctl and clients of TLS show and trust. */
  credentials: ClientCredentials | undefined;
  readonly clients: Clients;
  readonly etcd: EtcdBinary;
  readonly cluster: LocalCluster;
  readonly folder: string;
  /** Of a cluster with TLS, and of one that is to get it. */
  readonly certificates: Certificates;
  readonly files: PkiFiles;
  readonly options: SceneOptions;
  /** Those of the cluster now, with what has joined and without what has left. */
  members: readonly LocalMember[];
  #balancer: Balancer | undefined;
  /** Of the configuration file and the socket of the balancer. */
  #name = 'etcd-lb';

  static async create(
    release: Release,
    mode: Mode,
    mayFail: number,
    options: SceneOptions,
  ): Promise<Scene> {
    const etcd = await findEtcd({ release: releases[release] });
    const { size = 3, flags: extraArgs = [] } = options;
    const certificates = await createCertificates();
    const folder = await mkdtemp(join(tmpdir(), 'etcd-lb-recipes-'));
    const files = await PkiFiles.create(folder, certificates);
    const tls = mode === 'plain' ? {} : { tls: files };
    const cluster = await startLocalCluster({ etcd, size, extraArgs, ...tls });
    return new Scene({ mode, mayFail, etcd, cluster, folder, certificates, files, options });
  }

  private constructor(made: Made) {
    const { mode, cluster, certificates, folder } = made;
    this.mode = mode;
    this.credentials = mode === 'plain' ? undefined : certificates;
    this.clients = new Clients(made.mayFail);
    this.etcd = made.etcd;
    this.cluster = cluster;
    this.folder = folder;
    this.certificates = certificates;
    this.files = made.files;
    this.options = made.options;
    this.members = cluster.members;
    this.parts.use(certificates);
    this.parts.defer(() => rm(folder, { recursive: true, force: true }));
    this.parts.use(cluster);
  }

  get balancer(): Balancer {
    if (this.#balancer === undefined) throw new Error('no balancer was started');
    return this.#balancer;
  }

  get adminSocket(): string {
    return join(this.folder, `${this.#name}.sock`);
  }

  get configFile(): string {
    return join(this.folder, `${this.#name}.yaml`);
  }

  get operator(): Operator {
    return new Operator(this.adminSocket);
  }

  /** From now on it is another balancer that is written about, started and asked. */
  turnTo(name: string, mode: Mode): void {
    this.#name = name;
    this.mode = mode;
  }

  /** What the balancer is told, with these members. */
  async configure({
    members = this.members,
    listen = '127.0.0.1:0',
  }: {
    readonly members?: readonly Pick<LocalMember, 'name' | 'clientUrl'>[];
    readonly listen?: string;
  } = {}): Promise<void> {
    const { balancerCa, balancer } = this.files;
    const tls = { plain: '', passthrough: '', originate: 'tls: originate\nplaintext-tcp: on\n' };
    const files = `cacert: ${balancerCa}\ncert: ${balancer}/tls.crt\nkey: ${balancer}/tls.key\n`;
    await writeFile(
      this.configFile,
      `listen: ${listen}\nendpoints: "${endpointsOf(members)}"
admin-socket: ${this.adminSocket}\nslow-start: 0
${tls[this.mode]}${this.mode === 'plain' ? '' : files}${this.options.settings ?? ''}`,
    );
  }

  /** Starts the balancer, and a load through it. */
  async begin(request?: Request): Promise<void> {
    await this.configure();
    await this.startBalancer();
    await this.load(request);
  }

  /**
   * As `systemctl start etcd-lb` does; resolves when every member is healthy.
   *
   * @param start how, if not in the usual way.
   */
  async startBalancer(start: typeof Balancer.start = Balancer.start): Promise<Balancer> {
    // The default, which is what the recipes go by.
    const admin = ['--admin-socket', this.adminSocket];
    const flags = ['--config', this.configFile, ...admin, '--drain-timeout', '10s'];
    this.#balancer = this.parts.use(await start(flags));
    const running = this.members.filter((member) => member.running);
    await this.#balancer.healthy(running.map(({ name }) => name));
    return this.#balancer;
  }

  /** More clients from now on, in the way that this balancer takes them. */
  async load(request?: Request): Promise<void> {
    const { address } = this.balancer;
    if (this.mode !== 'passthrough')
      await this.clients.start(`http://${address}`, undefined, request);
    else await this.clients.start(`https://${address}`, this.credentials, request);
  }

  nothingFailed(at: string): Promise<void> {
    return this.clients.nothingFailed(at, this.#balancer?.history);
  }

  /** The members, the leader last. */
  async inOrder(): Promise<LocalMember[]> {
    const { leader } = (await this.operator.client.status()).cluster;
    return this.members.toSorted((a, b) => Number(a.name === leader) - Number(b.name === leader));
  }

  /** Carries out a block under a heading for a member, and holds every command to what it may cost. */
  async carryOut(
    heading: string,
    member: LocalMember,
    { block = 0, ...more }: { readonly block?: number } & Partial<Hands> = {},
  ): Promise<void> {
    const lines = (await blocksUnder(heading))[block];
    if (lines === undefined) throw new Error(`no block ${block} under ${heading}`);
    const hands = this.handsFor(member);
    await carryOut(lines, {
      ...{ ...hands, ...more },
      values: { ...hands.values, ...more.values },
      byHand: { ...hands.byHand, ...more.byHand },
    });
    this.done.add(`${heading} ${block}`);
  }

  handsFor(member: LocalMember): Hands {
    const others = this.members.filter((each) => each.name !== member.name);
    return {
      etcd: this.etcd,
      certificates: this.credentials,
      adminSocket: this.adminSocket,
      names: { cp1: member.name },
      values: {
        '/etc/etcd-lb/etcd-lb.yaml': () => this.configFile,
        $CP1: () => member.clientUrl,
        $OTHERS: () => others.map(({ clientUrl }) => clientUrl).join(),
        $CP1_ID: () => idOf(member, others, this.etcd, this.credentials),
      },
      byHand: {
        'systemctl stop etcd': () => member.kill('SIGTERM'),
        'systemctl start etcd': () => member.start(),
      },
      onDone: (command) => this.nothingFailed(command),
    };
  }

  /**
   * Carries out a recipe with a member that starts anew at a free place, under the name of `member`.
   *
   * @param keepsData the place changes, and the data stays.
   * @param joins the name of one that is new in the cluster, if it is.
   */
  async withNewPlace(
    heading: string,
    member: LocalMember,
    { keepsData = false, joins, ...more }: { keepsData?: boolean; joins?: string } & Partial<Hands>,
  ): Promise<Member> {
    const name = joins ?? member.name;
    const place = await placeFor(name, this.mode);
    const others = this.members.filter((each) => each.name !== name);
    let added: Member | undefined;
    const start = async (): Promise<void> => {
      // Under another folder where it is new: the data of the old one is not for it.
      const folder = keepsData ? this.cluster.folder : this.folder;
      const elsewhere = { ...this.cluster, folder } as LocalCluster;
      added = await startAdded(elsewhere, others, this.etcd, place, {}, this.#flags);
      this.parts.defer(() => added?.retire());
      this.members = [...others, added];
      // What the recipe has written by hand before the reload.
      if (!this.options.settings?.includes('discovery')) await this.configure();
    };
    await this.carryOut(heading, member, {
      ...more,
      values: {
        '--peer-urls=$NEW_PEER_URL': () => `--peer-urls=${place.peerUrl}`,
        $NEW_CP1: () => place.clientUrl,
        $NEW_ID: () => idOf({ name }, others, this.etcd, this.credentials),
        ...more.values,
      },
      byHand: { 'systemctl start etcd': start, ...more.byHand },
    });
    if (added === undefined) throw new Error('the recipe starts no etcd');
    return added;
  }

  /** etcdctl against one member. */
  ctl(member: LocalMember): ReturnType<typeof etcdctl> {
    return etcdctl(this.etcd, member.clientUrl, this.credentials);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.clients[Symbol.asyncDispose]();
    await this.parts.disposeAsync();
  }

  get #flags(): readonly string[] {
    const { serverCert, serverKey, ca } = this.files;
    if (this.mode === 'plain') return [];
    return [
      ...['--cert-file', serverCert, '--key-file', serverKey],
      ...['--client-cert-auth', '--trusted-ca-file', ca],
    ];
  }
}

/** `m0=http://…,m1=http://…` */
function endpointsOf(members: readonly Pick<LocalMember, 'name' | 'clientUrl'>[]): string {
  return members.map(({ name, clientUrl }) => `${name}=${clientUrl}`).join();
}

async function placeFor(name: string, mode: Mode): Promise<Place> {
  const [clientPort = 0, peerPort = 0] = await freePorts(2);
  const clientUrl = `${mode === 'plain' ? 'http' : 'https'}://127.0.0.1:${clientPort}`;
  return { name, clientPort, clientUrl, peerUrl: `http://127.0.0.1:${peerPort}` };
}
