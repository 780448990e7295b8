/** All clients of a schedule in a process of their own, seen from the harness. */
import { type ChildProcess, spawn } from 'node:child_process';
import { EventEmitter, once } from 'node:events';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import type { Readable, Writable } from 'node:stream';
import type { Progress } from './history.ts';
import type { ClientPlan } from './plan.ts';
import type { Telling } from './process.ts';
import type { ClientRecord } from './record.ts';

export type { Progress } from './history.ts';

const program = join(import.meta.dirname, 'process.ts');
/** How long all clients may take to be answered once, ms. */
const startPatience = 30_000;
/** How long the process may take to answer when it has nothing to wait for, ms. */
const answerPatience = 10_000;
/** How many of its last lines are kept for an error message. */
const kept = 20;

let count = 0;

/** The process dies with us, also when we are killed. */
export class Clients implements AsyncDisposable {
  readonly #plan: ClientPlan;
  readonly #file: string;
  readonly #process: ChildProcess;
  readonly #input: Writable;
  readonly #exited: Promise<unknown>;
  readonly #lastWords: string[] = [];
  readonly #crashes: string[] = [];
  readonly #tellings = new EventEmitter();
  #processor: number | undefined;
  #records: Promise<readonly ClientRecord[]> | undefined;

  /**
   * Resolves when every watch stands, every lease is granted and every client has had its first
   * answer; rejects with the process's last words when that takes 30 s, or it ends.
   *
   * @param folder for the file with the records.
   */
  static async start(plan: ClientPlan, folder: string): Promise<Clients> {
    count += 1;
    const clients = new Clients(plan, join(folder, `clients-${process.pid}-${count}.jsonl`));
    try {
      await clients.#told('ready', startPatience);
      return clients;
    } catch (error) {
      await clients[Symbol.asyncDispose]();
      throw error;
    }
  }

  private constructor(plan: ClientPlan, file: string) {
    this.#plan = plan;
    this.#file = file;
    const command = [process.execPath, program, JSON.stringify(plan), file];
    const child = spawn('setpriv', ['--pdeathsig', 'KILL', ...command], {
      stdio: ['pipe', 'pipe', 'pipe'],
    });
    this.#process = child;
    this.#input = child.stdin;
    // It may have ended by the time we ask.
    this.#input.on('error', () => {});
    this.#exited = once(child, 'close').catch(({ message }: Error) => this.#keep(message));
    this.#read(child.stdout, (line) => {
      // What a library prints is not for us.
      if (line.startsWith('{"kind":')) this.#onTelling(JSON.parse(line) as Telling);
    });
    this.#read(child.stderr, (line) => this.#keep(line));
  }

  get ended(): boolean {
    const { pid, exitCode, signalCode } = this.#process;
    return pid === undefined || exitCode !== null || signalCode !== null;
  }

  /** What nobody expected, so far: defects of the harness or of a library. */
  get crashes(): readonly string[] {
    return this.#crashes;
  }

  /** The processor time that the clients took, without those of etcdctl, ms; once they are stopped. */
  get processor(): number | undefined {
    return this.#processor;
  }

  /**
   * When each client last succeeded, ms since 1970 as in the records; without those that have nothing
   * to succeed in, which are the idle ones, lost leases and lost watches.
   */
  async progress(): Promise<Progress> {
    const told = this.#told('progress', answerPatience);
    this.#input.write('progress\n');
    const { clients, failures } = await told;
    return { clients, failures };
  }

  /**
   * Lets what is in flight end, closes all and resolves with what they have written down; the second
   * time with the same.
   */
  stop(): Promise<readonly ClientRecord[]> {
    this.#records ??= this.#stop();
    return this.#records;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (!this.ended) this.#process.kill('SIGKILL');
    await this.#exited;
  }

  async #stop(): Promise<readonly ClientRecord[]> {
    // Calls, the last calls of idle clients, and what watches have still to see.
    const told = this.#told('done', 3 * this.#plan.deadline + answerPatience);
    this.#input.write('stop\n');
    this.#processor = (await told).processor;
    await this.#exited;
    const lines = readFileSync(this.#file, 'utf8').trimEnd().split('\n');
    return lines.map((line) => JSON.parse(line) as ClientRecord);
  }

  /** The next telling of this kind. */
  async #told<K extends Telling['kind']>(
    kind: K,
    patience: number,
  ): Promise<Extract<Telling, { kind: K }>> {
    const signal = AbortSignal.timeout(patience);
    const told = once(this.#tellings, kind, { signal }).catch(() => {
      throw this.#failed(`did not say ${kind} within ${patience} ms`);
    });
    const ended = this.#exited.then(() => {
      throw this.#failed(`ended before it said ${kind}`);
    });
    ended.catch(() => {});
    told.catch(() => {});
    const [telling] = await Promise.race([told, ended]);
    return telling as Extract<Telling, { kind: K }>;
  }

  #failed(how: string): Error {
    return new Error(`The process of the clients ${how}: ${this.#lastWords.join(' | ')}`);
  }

  #onTelling(telling: Telling): void {
    if (telling.kind === 'crash') {
      this.#crashes.push(telling.error);
      this.#keep(telling.error);
    }
    this.#tellings.emit(telling.kind, telling);
  }

  #read(stream: Readable, onLine: (line: string) => void): void {
    createInterface({ input: stream }).on('line', onLine);
  }

  #keep(line: string): void {
    this.#lastWords.push(line);
    if (this.#lastWords.length > kept) this.#lastWords.shift();
  }
}
