/**
 * The real `etcd-lb run` as a process of its own, for tests that look at it from outside: through
 * its address, its observe listener, its log and its exit code.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { EventEmitter, once } from 'node:events';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import type { Status } from '../../src/observe/status.ts';

/** A line of its log, see src/observe/events/event-log.ts. */
export interface LogLine {
  readonly event?: string;
  readonly member?: string;
  readonly from?: string;
  readonly to?: string;
  readonly msg: string;
  readonly listen?: readonly string[];
  readonly observePort?: number;
  readonly [field: string]: unknown;
}

export interface Exit {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly stderr: string;
}

/** What is run as `etcd-lb`. */
export interface Program {
  /** What stands in front of the arguments. */
  readonly command: readonly string[];
  readonly cwd?: string;
  readonly env?: NodeJS.ProcessEnv;
}

const fromSource: Program = {
  command: [process.execPath, join(import.meta.dirname, '../../src/cli/main.ts')],
};

/**
 * Runs `etcd-lb` with these arguments to its end.
 *
 * @param prefix put in front of the command line, such as `unshare --mount …`.
 */
export async function etcdLb(
  args: readonly string[],
  env: Readonly<Record<string, string>> = {},
  prefix: readonly string[] = [],
  program = fromSource,
): Promise<Exit & { readonly stdout: string }> {
  const [command = '', ...rest] = [...prefix, ...program.command, ...args];
  const child = spawn(command, rest, {
    ...program,
    env: { ...(program.env ?? process.env), ...env },
  });
  let stdout = '';
  let stderr = '';
  child.stdout.on('data', (chunk) => {
    stdout += chunk;
  });
  child.stderr.on('data', (chunk) => {
    stderr += chunk;
  });
  const [code, signal] = (await once(child, 'close')) as [number | null, NodeJS.Signals | null];
  return { code, signal, stdout, stderr };
}

export class Balancer implements AsyncDisposable {
  /** Everything it has logged so far. */
  readonly log: LogLine[] = [];
  readonly exited: Promise<Exit>;
  readonly #child: ChildProcess;
  readonly #lines = new EventEmitter();
  #stderr = '';

  /**
   * Starts it on a free port, with observe on another, and waits until it listens. `args` follow
   * and may override both.
   *
   * @param prefix put in front of the command line, such as `unshare --mount …`.
   * @param descriptors what it finds open as 3 and following.
   */
  static async start(
    args: readonly string[],
    prefix: readonly string[] = [],
    descriptors: readonly number[] = [],
    program = fromSource,
  ): Promise<Balancer> {
    const isTold = args.includes('--listen') || args.includes('--config');
    const balancer = new Balancer(prefix, descriptors, program, [
      'run',
      ...(isTold ? [] : ['--listen', '127.0.0.1:0']),
      ...(args.includes('--admin-socket') ? [] : ['--admin-socket', 'off']),
      ...(args.includes('--observe') ? [] : ['--observe', '127.0.0.1:0']),
      ...['--drain-timeout', '100ms', '--log-level', 'info'],
      ...args,
    ]);
    await balancer.logged((line) => line.event === 'started');
    return balancer;
  }

  private constructor(
    prefix: readonly string[],
    descriptors: readonly number[],
    program: Program,
    args: readonly string[],
  ) {
    const [command = '', ...rest] = [...prefix, ...program.command, ...args];
    this.#child = spawn(command, rest, {
      ...program,
      stdio: ['ignore', 'pipe', 'pipe', ...descriptors],
    });
    const { stdout, stderr } = this.#child;
    if (stdout === null || stderr === null) throw new Error('no pipes');
    createInterface({ input: stdout }).on('line', (text) => {
      const line = JSON.parse(text) as LogLine;
      this.log.push(line);
      this.#lines.emit('line', line);
    });
    stderr.on('data', (chunk) => {
      this.#stderr += chunk;
    });
    this.exited = once(this.#child, 'close').then(([code, signal]) => {
      const exit = { code, signal, stderr: this.#stderr };
      this.#lines.emit('exit', exit);
      return exit;
    });
  }

  /** Its log as text, to be shown when an expectation is not met. */
  get history(): string {
    return this.log.map(({ time, msg }) => `${time} ${msg}`).join('\n');
  }

  get pid(): number {
    return this.#child.pid ?? 0;
  }

  /** Where clients connect: `127.0.0.1:PORT` or `unix:PATH`. */
  get address(): string {
    return this.#started.listen?.[0] ?? '';
  }

  get observeUrl(): string {
    return `http://127.0.0.1:${this.#started.observePort}`;
  }

  /** Resolves with the first line, past ones included, that `matches`. Rejects when it ends before. */
  async logged(matches: (line: LogLine) => boolean, from = 0): Promise<LogLine> {
    const past = this.log.slice(from).find(matches);
    if (past !== undefined) return past;
    return new Promise((resolve, reject) => {
      const onLine = (line: LogLine): void => {
        if (!matches(line)) return;
        this.#lines.off('line', onLine);
        this.#lines.off('exit', onExit);
        resolve(line);
      };
      const onExit = ({ code, stderr }: Exit): void => {
        reject(new Error(`etcd-lb ended with code ${code}: ${stderr}`));
      };
      this.#lines.on('line', onLine);
      this.#lines.once('exit', onExit);
    });
  }

  /** Resolves when a member entered a state after line `from` of the log (default: at any time). */
  reached(member: string, state: string, from = 0): Promise<LogLine> {
    return this.logged(
      (line) => line.event === 'member-changed' && line.member === member && line.to === state,
      from,
    );
  }

  /** Resolves when every one of these members was found healthy at least once. */
  async healthy(members: readonly string[]): Promise<void> {
    await Promise.all(members.map((member) => this.reached(member, 'healthy')));
  }

  async status(): Promise<Status> {
    return (await (await fetch(`${this.observeUrl}/status`)).json()) as Status;
  }

  /** The value of a series, written as Prometheus writes it; `undefined` when there is none. */
  async metric(series: string): Promise<number | undefined> {
    const text = await (await fetch(`${this.observeUrl}/metrics`)).text();
    const line = text.split('\n').find((each) => each.startsWith(`${series} `));
    return line === undefined ? undefined : Number(line.slice(series.length + 1));
  }

  signal(signal: NodeJS.Signals): void {
    this.#child.kill(signal);
  }

  /** Ends it as an operator would and waits. */
  async stop(): Promise<Exit> {
    this.signal('SIGTERM');
    return this.exited;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop();
  }

  get #started(): LogLine {
    const line = this.log.find(({ event }) => event === 'started');
    if (line === undefined) throw new Error('etcd-lb has not started');
    return line;
  }
}
