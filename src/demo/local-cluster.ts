/**
 * A real etcd cluster on loopback, for the demo and the tests: members m0, m1, … with a data folder
 * and a log each in one temporary folder.
 *
 * Owns the members and their folder: stop() leaves neither process nor file, and nor does an end of
 * this process without it. local-member.ts runs one member's process, etcd-binary.ts finds etcd.
 */
import { once } from 'node:events';
import { readFileSync, rmSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { request as httpRequest } from 'node:http';
import { request as httpsRequest } from 'node:https';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import type { EtcdBinary } from './etcd-binary.ts';
import { freePorts } from './free-ports.ts';
import {
  type LocalMember,
  Member,
  MemberStopped,
  type OnUnexpectedExit,
  pollInterval,
} from './local-member.ts';

export interface LocalCluster extends AsyncDisposable {
  readonly members: readonly LocalMember[];
  /** The members' client URLs. */
  readonly endpoints: string[];
  /** The temporary folder with the members' data and logs. */
  readonly folder: string;
  /** The leader, once a majority agrees on one. Throws when there is none within 30 s. */
  leader(): Promise<LocalMember>;
  /**
   * Waits until every member answers a linearizable /health. Throws when a member is stopped, or
   * is not ready within 30 s.
   */
  ready(): Promise<void>;
  /** Ends every member and removes the folder; may be called again. */
  stop(): Promise<void>;
}

/** Paths of PEM files. Clients must show a certificate that `ca` signed. */
export interface ClusterTls {
  readonly ca: string;
  /** Must be valid for servers and clients: etcd's own gateway presents it to etcd, and so do we. */
  readonly serverCert: string;
  readonly serverKey: string;
}

export interface LocalClusterOptions {
  readonly etcd: EtcdBinary;
  readonly size: 1 | 2 | 3 | 5;
  /** Mutual TLS on the client port; peers talk plainly, they never leave loopback. */
  readonly tls?: ClusterTls;
  /** Stops the cluster. */
  readonly signal?: AbortSignal;
  /** More etcd flags, for every member. */
  readonly extraArgs?: readonly string[];
  /**
   * Called when the process of a running member ends and nobody asked for it through this module.
   * A process that ends while starting makes start() throw instead.
   */
  readonly onUnexpectedExit?: OnUnexpectedExit;
}

/** How long a cluster may take to get ready or to elect, in ms. etcd needs 1 to 3 s on two cores. */
const patience = 30_000;
/** Bound on one question to a member, ms; a hung member never answers. */
const answerWithin = 1_000;

/**
 * Starts a cluster; resolves when every member answers a linearizable /health.
 *
 * @throws one sentence with etcd's last words when a member ends at start; the signal's reason when
 * aborted. Either way nothing is left behind.
 */
export async function startLocalCluster(options: LocalClusterOptions): Promise<LocalCluster> {
  for (let attempt = 1; ; attempt += 1) {
    options.signal?.throwIfAborted();
    const cluster = await Cluster.create(options);
    try {
      options.signal?.throwIfAborted();
      await cluster.start();
      return cluster;
    } catch (error) {
      await cluster.stop();
      options.signal?.throwIfAborted();
      // Somebody took a port after our check and before etcd's start.
      if (attempt === 3 || !/address already in use/.test(String(error))) throw error;
    }
  }
}

class Cluster implements LocalCluster {
  readonly folder: string;
  readonly members: readonly Member[];
  readonly #ask: Ask;
  readonly #signal: AbortSignal | undefined;
  #stopped: Promise<void> | undefined;

  static async create(options: LocalClusterOptions): Promise<Cluster> {
    const ports = await freePorts(options.size * 2);
    return new Cluster(options, await mkdtemp(join(tmpdir(), 'etcd-lb-cluster-')), ports);
  }

  private constructor(options: LocalClusterOptions, folder: string, ports: readonly number[]) {
    const { etcd, size, tls, extraArgs = [], onUnexpectedExit, signal } = options;
    this.folder = folder;
    this.#ask = tls ? askOverTls(tls) : askPlainly;
    this.#signal = signal;

    const places = Array.from({ length: size }, (_, index) => ({
      name: `m${index}`,
      clientPort: ports[index * 2] ?? 0,
      clientUrl: `${tls ? 'https' : 'http'}://127.0.0.1:${ports[index * 2]}`,
      peerUrl: `http://127.0.0.1:${ports[index * 2 + 1]}`,
    }));
    const shared = [
      ...['--initial-cluster', places.map(({ name, peerUrl }) => `${name}=${peerUrl}`).join()],
      ...['--initial-cluster-state', 'new', '--initial-cluster-token', folder],
      // Explicit, since the default loggers of etcd 3.4 and 3.5 differ.
      ...['--logger', 'zap', '--log-outputs', 'stderr', '--log-level', 'warn'],
      ...(tls ? ['--cert-file', tls.serverCert, '--key-file', tls.serverKey] : []),
      ...(tls ? ['--client-cert-auth', '--trusted-ca-file', tls.ca] : []),
      ...extraArgs,
    ];
    this.members = places.map(
      (place) => new Member(place, folder, etcd.etcd, shared, onUnexpectedExit),
    );
    signal?.addEventListener('abort', this.#onAbort, { once: true });
    process.once('exit', this.#onProcessExit);
  }

  get endpoints(): string[] {
    return this.members.map(({ clientUrl }) => clientUrl);
  }

  async start(): Promise<void> {
    await Promise.all(this.members.map((member) => member.start()));
    await this.ready();
  }

  async ready(): Promise<void> {
    await Promise.all(
      this.members.map((member) =>
        this.#until(`${member.name} answers /health`, async () => {
          if (member.state.kind === 'stopped') throw member.stoppedError();
          const answer = await this.#ask(`${member.clientUrl}/health`);
          return answer.includes('"health":"true"') || undefined;
        }),
      ),
    );
  }

  async leader(): Promise<LocalMember> {
    return await this.#until('a majority agrees on a leader', async () => {
      const running = this.members.filter((member) => member.running);
      const answers = await Promise.all(
        running.map(async (member) => {
          const answer = await this.#ask(`${member.clientUrl}/v3/maintenance/status`, '{}').catch(
            () => '{}',
          );
          const { header, leader } = JSON.parse(answer) as Partial<StatusAnswer>;
          return { member, id: header?.member_id, leader };
        }),
      );
      // A deposed leader that was hung still claims to lead for a moment, so a majority must agree.
      return answers.find(
        ({ id }) =>
          id !== undefined &&
          answers.filter(({ leader }) => leader === id).length > this.members.length / 2,
      )?.member;
    });
  }

  stop(): Promise<void> {
    this.#stopped ??= this.#stop();
    return this.#stopped;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop();
  }

  async #stop(): Promise<void> {
    this.#signal?.removeEventListener('abort', this.#onAbort);
    await Promise.all(this.members.map((member) => member.retire()));
    await rm(this.folder, { recursive: true, force: true });
    process.off('exit', this.#onProcessExit);
  }

  readonly #onAbort = () => {
    void this.stop();
  };

  /** The process ends without stop(): cleans up synchronously. */
  readonly #onProcessExit = () => {
    for (const member of this.members) member.killNow();
    // Retried, since a dying process may still write.
    rmSync(this.folder, { recursive: true, force: true, maxRetries: 5 });
  };

  /** Calls `find` until it finds something; a question that fails or times out finds nothing. */
  async #until<T>(what: string, find: () => Promise<T | undefined>): Promise<T> {
    const deadline = Date.now() + patience;
    while (Date.now() < deadline) {
      if (this.#stopped) throw new Error('The cluster was stopped.');
      const found = await find().catch((error: unknown) => {
        if (error instanceof MemberStopped) throw error;
        return undefined;
      });
      if (found !== undefined) return found;
      await delay(pollInterval);
    }
    const states = this.members.map(({ name, state }) => `${name} ${state.kind}`).join(', ');
    throw new Error(`Waited ${patience / 1000} s until ${what}, in vain (${states}).`);
  }
}

interface StatusAnswer {
  readonly header: { readonly member_id: string };
  readonly leader: string;
}

/** Asks a member over HTTP (POST when there is a body); resolves with the body of a 200. */
type Ask = (url: string, body?: string) => Promise<string>;

const askPlainly: Ask = (url, body) => exchange(httpRequest, url, {}, body);

function askOverTls(tls: ClusterTls): Ask {
  const ca = readFileSync(tls.ca);
  const cert = readFileSync(tls.serverCert);
  const key = readFileSync(tls.serverKey);
  return (url, body) => exchange(httpsRequest, url, { ca, cert, key }, body);
}

async function exchange(
  request: typeof httpsRequest,
  url: string,
  credentials: object,
  body: string | undefined,
): Promise<string> {
  const call = request(url, {
    ...credentials,
    method: body === undefined ? 'GET' : 'POST',
    // No pool: a kept-alive connection would outlive the member and the cluster.
    agent: false,
    signal: AbortSignal.timeout(answerWithin),
  });
  call.end(body);
  const [response] = await once(call, 'response');
  const chunks: Buffer[] = [];
  for await (const chunk of response) chunks.push(chunk);
  if (response.statusCode !== 200) throw new Error(`${url} answered ${response.statusCode}`);
  return Buffer.concat(chunks).toString();
}
