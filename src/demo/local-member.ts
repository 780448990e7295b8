/**
 * One etcd process of a local cluster, which can be killed, hung and restarted on its ports and data.
 *
 *   running ──pause──► paused          every state but `stopped` has a process;
 *      │ ▲ ◄──resume──   │             `stopped` says how the last one ended
 *      │ └──start── stopped ◄── kill, or its own end
 *      └──────────────►
 *
 * It dies with the process that started it, even if that is killed with SIGKILL.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { accessSync, closeSync, constants, fstatSync, openSync, readFileSync } from 'node:fs';
import { connect } from 'node:net';
import { delimiter, join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';

/** How a member's process ended. */
export interface MemberExit {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  /** False when nobody asked for it through this module: it crashed, or somebody killed it. */
  readonly expected: boolean;
}

/** The state of a member's process. Health checks find out the state of etcd itself. */
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
  /** Resumes a paused process. Throws when stopped. */
  resume(): void;
  /**
   * Starts it again on the same ports and data. Resolves when its client port accepts connections,
   * which is before it serves: see {@link LocalCluster.ready}. Throws when it is not stopped, and
   * with etcd's last words when it ends while starting.
   *
   * @param etcd path of another etcd, which later starts use too.
   */
  start(etcd?: string, changed?: Changed): Promise<void>;
}

/** What is different from a start on. */
export interface Changed {
  /** More flags; of a flag that is there twice, etcd takes the last. */
  readonly flags?: readonly string[];
  /** Where clients go from now on, which the flags must say too. */
  readonly clientUrl?: string;
}

/** Called when a member's process ends and nobody asked for it through this module. */
export type OnUnexpectedExit = (member: LocalMember, exit: MemberExit) => void;

/** How often to poll where neither etcd nor the kernel offers an event to wait for, in ms. */
export const pollInterval = 25;

/** A member that should run does not. The message quotes etcd's last words. */
export class MemberStopped extends Error {}

export type Place = Pick<LocalMember, 'name' | 'clientPort' | 'clientUrl' | 'peerUrl'>;

export class Member implements LocalMember {
  readonly name: string;
  readonly peerUrl: string;
  readonly logFile: string;
  #clientUrl: string;
  #etcd: string;
  #args: readonly string[];
  readonly #onUnexpectedExit: OnUnexpectedExit | undefined;
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
    onUnexpectedExit: OnUnexpectedExit | undefined,
  ) {
    this.name = place.name;
    this.#clientUrl = place.clientUrl;
    this.peerUrl = place.peerUrl;
    this.logFile = join(folder, `${place.name}.log`);
    this.#onUnexpectedExit = onUnexpectedExit;
    this.#etcd = etcd;
    this.#args = [
      ...['--name', place.name, '--data-dir', join(folder, place.name)],
      ...['--listen-client-urls', place.clientUrl, '--advertise-client-urls', place.clientUrl],
      ...['--listen-peer-urls', place.peerUrl, '--initial-advertise-peer-urls', place.peerUrl],
      ...shared,
    ];
  }

  get clientUrl(): string {
    return this.#clientUrl;
  }

  get clientPort(): number {
    return Number(new URL(this.#clientUrl).port);
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

  async start(etcd = this.#etcd, { flags = [], clientUrl }: Changed = {}): Promise<void> {
    if (this.#retired) throw new Error('The cluster was stopped.');
    if (this.#state.kind !== 'stopped') {
      throw new Error(
        `etcd ${this.name} is ${this.#state.kind}: kill it before starting it again.`,
      );
    }
    this.#etcd = etcd;
    this.#args = [...this.#args, ...flags];
    this.#clientUrl = clientUrl ?? this.#clientUrl;
    await this.#spawn();
    while (!(await accepts(this.clientPort))) {
      if (this.#state.kind === 'stopped') throw this.stoppedError();
      await delay(pollInterval);
    }
    this.#isUp = true;
  }

  async kill(signal: NodeJS.Signals = 'SIGKILL'): Promise<void> {
    const child = this.#child;
    if (!child || this.#state.kind === 'stopped') return;
    const exited = once(child, 'exit');
    this.#askedToEnd = true;
    child.kill(signal);
    // A paused process handles no signal but SIGKILL until it is resumed.
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

  /** Like retire(), without waiting for the end. */
  killNow(): void {
    this.#retired = true;
    this.#askedToEnd = true;
    this.#child?.kill('SIGKILL');
  }

  /** The error that says why there is no process. */
  stoppedError(): MemberStopped {
    const exit = this.#state.kind === 'stopped' ? this.#state.exit : undefined;
    const how = exit ? `ended with ${exit.signal ?? `exit code ${exit.code}`}` : 'was not started';
    if (exit?.expected !== false) return new MemberStopped(`etcd ${this.name} ${how}.`);
    const log = readFileSync(this.logFile).subarray(this.#logStart).toString();
    return new MemberStopped(`etcd ${this.name} ${how}: ${lastWords(log)}`);
  }

  #signalTo(signal: 'SIGSTOP' | 'SIGCONT', kind: 'paused' | 'running'): void {
    if (this.#state.kind === 'stopped') throw this.stoppedError();
    this.#child?.kill(signal);
    this.#state = { kind, pid: this.#state.pid };
  }

  async #spawn(): Promise<void> {
    const [command = this.#etcd, ...args] = [...dieWithParent(), this.#etcd, ...this.#args];
    // etcd's logger appends to it and, in a panic, the Go runtime.
    const log = openSync(this.logFile, 'a');
    this.#logStart = fstatSync(log).size;
    // A process group of its own: Ctrl-C in a terminal reaches this process only, which ends the members in order.
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
 * A command in front of etcd that makes the kernel kill etcd when this process dies. The kernel counts the death of
 * the *thread* that spawned it, so clusters belong in a main thread (vitest: pool `forks`). Where
 * there is no setpriv, only the exit handler above is left.
 */
function dieWithParent(): readonly string[] {
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
  // An unknown flag, or a panic: the first line says it, and usage or stacks follow.
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
