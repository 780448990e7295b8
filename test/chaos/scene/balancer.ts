/**
 * The real balancer, as processes that follow one another: started, replaced, killed, asked and ordered
 * about from outside, by its sockets and its log alone.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createWriteStream, readdirSync, readFileSync, type WriteStream } from 'node:fs';
import { request } from 'node:http';
import { createInterface } from 'node:readline';
import { passing } from '../../support/listening-socket.ts';
import { now } from '../clients/record.ts';

/** A line of its log. */
export interface BalancerLine {
  /** Which of its processes wrote it, from 0 on. */
  readonly process: number;
  /** ms, on the clock of records. */
  readonly at: number;
  readonly level: string;
  readonly msg: string;
  readonly event?: string;
  readonly [field: string]: unknown;
}

export interface BalancerOptions {
  /** What is run, without its arguments; the process id must become the balancer's own. */
  readonly command: readonly string[];
  readonly configFile: string;
  /** Its log goes there as well. */
  readonly logFile: string;
  readonly adminSocket: string;
  /** host:port */
  readonly observe: string;
  /** A listening socket that each process inherits as descriptor 3. */
  readonly inherits?: number;
}

interface Running {
  readonly index: number;
  readonly child: ChildProcess;
  readonly ended: Promise<void>;
  stderr: string;
  isAsked: boolean;
}

/** A process that ended although nobody had asked for it, or with words that nobody expected. */
export interface BadEnd {
  readonly process: number;
  readonly how: string;
}

export class ChaosBalancer implements AsyncDisposable {
  readonly log: BalancerLine[] = [];
  readonly badEnds: BadEnd[] = [];
  readonly #options: BalancerOptions;
  readonly #file: WriteStream;
  readonly #all: Running[] = [];

  constructor(options: BalancerOptions) {
    this.#options = options;
    this.#file = createWriteStream(options.logFile);
  }

  get pid(): number {
    return this.#current.child.pid ?? 0;
  }

  /** How many of its processes there were. */
  get processes(): number {
    return this.#all.length;
  }

  /** Descriptors that it has open. */
  get descriptors(): number {
    return readdirSync(`/proc/${this.pid}/fd`).length;
  }

  /** Resident memory, bytes. */
  get memory(): number {
    const kilobytes = /^VmRSS:\s+(\d+)/m.exec(
      readFileSync(`/proc/${this.pid}/status`, 'utf8'),
    )?.[1];
    return Number(kilobytes) * 1024;
  }

  /** Starts a process beside the one that runs, if any, and waits until it listens. */
  async start(): Promise<void> {
    const { command, configFile, inherits } = this.#options;
    const line = [
      ...(inherits === undefined ? [] : passing(['etcd'])),
      ...[...command, 'run', '--config', configFile],
    ];
    const child = spawn('setpriv', ['--pdeathsig', 'KILL', ...line], {
      stdio: ['ignore', 'pipe', 'pipe', ...(inherits === undefined ? [] : [inherits])],
    });
    const running: Running = {
      ...{ index: this.#all.length, child, stderr: '', isAsked: false },
      ended: once(child, 'close').then(([code, signal]) => this.#hasEnded(running, code, signal)),
    };
    this.#all.push(running);
    if (child.stdout === null || child.stderr === null) throw new Error('no pipes');
    child.stderr.on('data', (chunk) => {
      running.stderr += chunk;
    });
    await new Promise<void>((resolve, reject) => {
      createInterface({ input: child.stdout as NodeJS.ReadableStream }).on('line', (text) => {
        if (this.#read(running, text).event === 'started') resolve();
      });
      void running.ended.then(() => reject(new Error(`It did not start: ${running.stderr}`)));
    });
  }

  /** Another process takes over: started beside it, and then the one before is asked to end. */
  async handOver(): Promise<void> {
    const before = this.#current;
    await this.start();
    before.isAsked = true;
    before.child.kill('SIGTERM');
    await before.ended;
  }

  signal(signal: 'SIGSTOP' | 'SIGCONT' | 'SIGHUP'): void {
    this.#current.child.kill(signal);
  }

  async kill(signal: 'SIGKILL' | 'SIGTERM' = 'SIGKILL'): Promise<void> {
    const { child, ended } = this.#current;
    this.#current.isAsked = true;
    child.kill(signal);
    child.kill('SIGCONT');
    await ended;
  }

  /** Gives an order, or asks. Rejects with what it says when it refuses, and when it does not answer in 15 s. */
  async order(path: string, body: unknown = {}, method: 'GET' | 'POST' = 'POST'): Promise<unknown> {
    const { adminSocket } = this.#options;
    const call = request({
      ...{ socketPath: adminSocket, path, method, agent: false },
      signal: AbortSignal.timeout(15_000),
    });
    call.end(method === 'GET' ? undefined : JSON.stringify(body));
    const [response] = await once(call, 'response');
    let text = '';
    for await (const chunk of response) text += chunk;
    if (response.statusCode !== 200) throw new OrderRefused(`${path}: ${text.trim()}`);
    return JSON.parse(text);
  }

  /** What its observe listener serves there. Rejects when there is no answer in 5 s. */
  async observe(path: string): Promise<string> {
    const answer = await fetch(`http://${this.#options.observe}${path}`, {
      headers: { connection: 'close' },
      signal: AbortSignal.timeout(5_000),
    });
    return await answer.text();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const running of this.#all) {
      running.isAsked = true;
      running.child.kill('SIGKILL');
      await running.ended;
    }
    this.#file.end();
  }

  get #current(): Running {
    const current = this.#all.at(-1);
    if (current === undefined) throw new Error('The balancer was not started.');
    return current;
  }

  #read({ index }: Running, text: string): BalancerLine {
    this.#file.write(`${text}\n`);
    let fields: Record<string, unknown>;
    try {
      fields = JSON.parse(text);
    } catch {
      fields = { level: 'error', msg: text, event: 'no-json' };
    }
    const line = { ...fields, process: index, at: Date.parse(String(fields['time'])) || now() };
    this.log.push(line as unknown as BalancerLine);
    return line as unknown as BalancerLine;
  }

  #hasEnded({ index, stderr, isAsked }: Running, code: number | null, signal: string | null): void {
    const isSound = isAsked && (code === 0 || signal === 'SIGKILL') && stderr === '';
    if (isSound) return;
    const how = `ended with ${signal ?? code}${isAsked ? '' : ', unasked'}: ${stderr.trim() || 'not a word'}`;
    this.badEnds.push({ process: index, how });
  }
}

/** It said no, which may be right. */
export class OrderRefused extends Error {}
