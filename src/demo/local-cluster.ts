/**
 * A real etcd cluster on loopback, for the demo and the tests: members m0, m1, … with a data folder
 * and a log each in one temporary folder, which can be killed, hung and started again one by one.
 *
 *   running ──pause──► paused          every state but `stopped` has a process;
 *      │ ▲ ◄──resume──   │             `stopped` says how the last one ended
 *      │ └──start── stopped ◄── kill, or its own end
 *      └──────────────►
 *
 * The members die with the process that started them, even when that is killed with SIGKILL, and
 * stop() leaves neither process nor folder. Finding etcd is left to etcd-binary.ts.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { randomInt } from 'node:crypto';
import { once } from 'node:events';
import {
  accessSync,
  closeSync,
  constants,
  fstatSync,
  openSync,
  readFileSync,
  rmSync,
} from 'node:fs';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { request as httpRequest } from 'node:http';
import { request as httpsRequest } from 'node:https';
import { connect, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import type { EtcdBinary } from './etcd-binary.ts';

/** How a member's process ended. */
export interface MemberExit {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  /** False when nobody asked for it through this module: it crashed, or somebody killed it. */
  readonly expected: boolean;
}

/** The state of a member's process; what etcd itself thinks is for health checks to find out. */
export type MemberState =
  | { readonly kind: 'running'; readonly pid: number }
  | { readonly kind: 'paused'; readonly pid: number }
  | { readonly kind: 'stopped'; readonly exit: MemberExit | undefined };

export interface LocalMember {
  /** `m0`, `m1`, … */
  readonly name: string;
  /** Such as `http://127.0.0.1:23790`; https when the cluster has TLS. */
  readonly clientUrl: string;
  readonly peerUrl: string;
  readonly clientPort: number;
  /** etcd's log, from level warning, one file for all starts of this member. */
  readonly logFile: string;
  readonly state: MemberState;
  /** The process id, while there is a process. */
  readonly pid: number | undefined;
  /** True while there is a process and it is not paused. */
  readonly running: boolean;
  /** Ends the process (SIGKILL by default) and waits until it is gone; also ends a paused one. */
  kill(signal?: NodeJS.Signals): Promise<void>;
  /** Hangs the process with SIGSTOP: its port still accepts, nothing answers. Throws when stopped. */
  pause(): void;
  /** Lets a paused process go on. Throws when stopped. */
  resume(): void;
  /**
   * Starts it again on the same ports and data. Resolves when its client port accepts connections,
   * which is before it serves: see {@link LocalCluster.ready}. Throws when it is not stopped, and
   * with etcd's last words when it ends while starting.
   */
  start(): Promise<void>;
}

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
   * within 30 s not ready.
   */
  ready(): Promise<void>;
  /** Ends every member and removes the folder; may be called again. */
  stop(): Promise<void>;
}

/** Paths of PEM files. Clients must show a certificate that `ca` signed. */
export interface ClusterTls {
  readonly ca: string;
  /** Must be fit for servers and clients: etcd's own gateway shows it to etcd, and so do we. */
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
   * Told when the process of a member that was up ends and nobody asked for it through this module.
   * One that ends while starting makes start() throw instead.
   */
  readonly onUnexpectedExit?: (member: LocalMember, exit: MemberExit) => void;
}

/** How long a cluster may take to get ready or to elect, in ms. etcd needs 1 to 3 s on two cores. */
const patience = 30_000;
/** Where etcd and the kernel offer no event to wait for, we look this often (ms). */
const lookEvery = 25;
/** One question to a member may take this long (ms); a hung one never answers. */
const answerWithin = 1_000;

/**
 * Starts a cluster; resolves when every member answers a linearizable /health.
 *
 * @throws one sentence with etcd's last words when a member ends at start; the signal's reason when
 * aborted. Nothing is left then.
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
      // Somebody took a port between our look and etcd's start.
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
      // Spelled out, since etcd 3.4 has another logger by default than 3.5.
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
          if (member.state.kind === 'stopped') throw member.isStopped();
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
      // A deposed leader that was hung still calls itself one for a moment: count.
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

  /** The process ends without stop(): whatever can still be done at once. */
  readonly #onProcessExit = () => {
    for (const { pid } of this.members) if (pid !== undefined) process.kill(pid, 'SIGKILL');
    rmSync(this.folder, { recursive: true, force: true });
  };

  /** Looks until `look` finds something; a question that fails or times out counts as nothing. */
  async #until<T>(what: string, look: () => Promise<T | undefined>): Promise<T> {
    const deadline = Date.now() + patience;
    while (Date.now() < deadline) {
      if (this.#stopped) throw new Error('The cluster was stopped.');
      const found = await look().catch((error: unknown) => {
        if (error instanceof MemberStopped) throw error;
        return undefined;
      });
      if (found !== undefined) return found;
      await delay(lookEvery);
    }
    const states = this.members.map(({ name, state }) => `${name} ${state.kind}`).join(', ');
    throw new Error(`Waited ${patience / 1000} s until ${what}, in vain (${states}).`);
  }
}

interface StatusAnswer {
  readonly header: { readonly member_id: string };
  readonly leader: string;
}

/** A member that should run does not; the message quotes what etcd said last. */
class MemberStopped extends Error {}

type Place = Pick<LocalMember, 'name' | 'clientPort' | 'clientUrl' | 'peerUrl'>;

class Member implements LocalMember {
  readonly name: string;
  readonly clientPort: number;
  readonly clientUrl: string;
  readonly peerUrl: string;
  readonly logFile: string;
  readonly #command: readonly [string, ...string[]];
  readonly #onUnexpectedExit: LocalClusterOptions['onUnexpectedExit'];
  #state: MemberState = { kind: 'stopped', exit: undefined };
  #child: ChildProcess | undefined;
  /** Where the log of the last start begins, in bytes. */
  #logStart = 0;
  #isUp = false;
  #askedToEnd = false;
  #retired = false;

  constructor(
    place: Place,
    folder: string,
    etcd: string,
    shared: readonly string[],
    onUnexpectedExit: LocalClusterOptions['onUnexpectedExit'],
  ) {
    this.name = place.name;
    this.clientPort = place.clientPort;
    this.clientUrl = place.clientUrl;
    this.peerUrl = place.peerUrl;
    this.logFile = join(folder, `${place.name}.log`);
    this.#onUnexpectedExit = onUnexpectedExit;
    this.#command = [
      ...dieWithParent(),
      etcd,
      ...['--name', place.name, '--data-dir', join(folder, place.name)],
      ...['--listen-client-urls', place.clientUrl, '--advertise-client-urls', place.clientUrl],
      ...['--listen-peer-urls', place.peerUrl, '--initial-advertise-peer-urls', place.peerUrl],
      ...shared,
    ];
  }

  get state(): MemberState {
    return this.#state;
  }

  get pid(): number | undefined {
    return this.#state.kind === 'stopped' ? undefined : this.#state.pid;
  }

  get running(): boolean {
    return this.#state.kind === 'running';
  }

  async start(): Promise<void> {
    if (this.#retired) throw new Error('The cluster was stopped.');
    if (this.#state.kind !== 'stopped') {
      throw new Error(
        `etcd ${this.name} is ${this.#state.kind}: kill it before starting it again.`,
      );
    }
    await this.#spawn();
    while (!(await accepts(this.clientPort))) {
      if (this.#state.kind === 'stopped') throw this.isStopped();
      await delay(lookEvery);
    }
    this.#isUp = true;
  }

  async kill(signal: NodeJS.Signals = 'SIGKILL'): Promise<void> {
    const child = this.#child;
    if (!child || this.#state.kind === 'stopped') return;
    const exited = once(child, 'exit');
    this.#askedToEnd = true;
    child.kill(signal);
    // A paused process takes no signal but SIGKILL until it goes on.
    child.kill('SIGCONT');
    await exited;
  }

  pause(): void {
    this.#signalTo('SIGSTOP', 'paused');
  }

  resume(): void {
    this.#signalTo('SIGCONT', 'running');
  }

  /** Ends the process for good: no start() after this. */
  async retire(): Promise<void> {
    this.#retired = true;
    await this.kill();
  }

  /** The error that says why there is no process. */
  isStopped(): MemberStopped {
    const exit = this.#state.kind === 'stopped' ? this.#state.exit : undefined;
    const how = exit ? `ended with ${exit.signal ?? `exit code ${exit.code}`}` : 'was not started';
    if (exit?.expected !== false) return new MemberStopped(`etcd ${this.name} ${how}.`);
    const log = readFileSync(this.logFile).subarray(this.#logStart).toString();
    return new MemberStopped(`etcd ${this.name} ${how}: ${lastWords(log)}`);
  }

  #signalTo(signal: 'SIGSTOP' | 'SIGCONT', kind: 'paused' | 'running'): void {
    if (this.#state.kind === 'stopped') throw this.isStopped();
    this.#child?.kill(signal);
    this.#state = { kind, pid: this.#state.pid };
  }

  async #spawn(): Promise<void> {
    const [command, ...args] = this.#command;
    // Appended to by etcd's logger and, when it panics, by the Go runtime.
    const log = openSync(this.logFile, 'a');
    this.#logStart = fstatSync(log).size;
    // A process group of its own: Ctrl-C in a terminal is for us, who end the members in order.
    const child = spawn(command, args, { detached: true, stdio: ['ignore', log, log] });
    closeSync(log);
    const { pid } = child;
    if (pid === undefined) {
      const [error] = (await once(child, 'error')) as [Error];
      throw new Error(`etcd ${this.name} could not be started: ${error.message}`);
    }
    this.#child = child;
    this.#isUp = false;
    this.#askedToEnd = false;
    this.#state = { kind: 'running', pid };
    child.once('exit', (code, signal) => {
      const exit = { code, signal, expected: this.#askedToEnd };
      this.#state = { kind: 'stopped', exit };
      if (this.#isUp && !exit.expected) this.#onUnexpectedExit?.(this, exit);
    });
  }
}

/**
 * A command in front of etcd that has the kernel kill it when we die. The kernel counts the death of
 * the *thread* that spawned it, so clusters belong in a main thread (vitest: pool `forks`). Where
 * there is no setpriv, only the exit handler above is left.
 */
function dieWithParent(): readonly [string, ...string[]] | readonly [] {
  const { PATH = '' } = process.env;
  const setpriv = PATH.split(delimiter).some((folder) => {
    try {
      accessSync(join(folder, 'setpriv'), constants.X_OK);
      return folder !== '';
    } catch {
      return false;
    }
  });
  return setpriv ? ['setpriv', '--pdeathsig', 'KILL'] : [];
}

/** Why etcd ended, in one line, from what its last start logged. */
function lastWords(log: string): string {
  const lines = log.split('\n').filter((line) => line.trim() !== '');
  const entries = lines.flatMap((line) => parseLogEntry(line) ?? []);
  const complaint = entries.findLast(({ error }) => error !== undefined);
  if (complaint) return `${complaint.msg}: ${complaint.error}`;
  // A flag it does not know, or a panic: the first line says it, usage or stacks follow.
  const plain = lines.find((line) => !line.startsWith('{'));
  return plain ?? entries.at(-1)?.msg ?? 'its log is empty';
}

function parseLogEntry(line: string): { msg?: string; error?: string } | undefined {
  try {
    return line.startsWith('{') ? JSON.parse(line) : undefined;
  } catch {
    return undefined;
  }
}

/**
 * Free ports on loopback, below the range from which the kernel takes the ports of outgoing
 * connections. A port from that range (which asking for port 0 gives) can be taken by some client
 * while its member is down, so that the member cannot start again; worse, dialling it then can
 * connect the dialler to itself.
 */
async function freePorts(count: number): Promise<number[]> {
  const range = await readFile('/proc/sys/net/ipv4/ip_local_port_range', 'utf8').catch(() => '');
  const first = Number.parseInt(range, 10);
  const top = first > 12_000 ? Math.min(first, 32_768) : 32_768;
  const ports = new Set<number>();
  while (ports.size < count) {
    const port = randomInt(10_000, top);
    if (await isFree(port)) ports.add(port);
  }
  return [...ports];
}

async function isFree(port: number): Promise<boolean> {
  const server = createServer();
  try {
    server.listen(port, '127.0.0.1');
    await once(server, 'listening');
  } catch {
    return false;
  }
  server.close();
  await once(server, 'close');
  return true;
}

async function accepts(port: number): Promise<boolean> {
  const socket = connect(port, '127.0.0.1');
  try {
    await once(socket, 'connect');
    return true;
  } catch {
    return false;
  } finally {
    socket.destroy();
  }
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
    // No pool: a kept connection would outlive the member, and the cluster.
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
