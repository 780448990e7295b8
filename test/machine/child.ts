/**
 * One program that a run needs, as a child process: started, hung, ended by its pid. It dies with
 * us, also when we are killed, where setpriv exists (util-linux; everywhere the harness runs).
 *
 * Owns the process and its output. Leaves to others what the program is and when it is ready.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { connect } from 'node:net';
import { createInterface } from 'node:readline';
import { setTimeout as delay } from 'node:timers/promises';

export interface ChildOptions {
  readonly env?: Readonly<Record<string, string>>;
  /** Told every line of stdout. */
  readonly onLine?: (line: string) => void;
}

/** How many of its last lines are kept for an error message. */
const kept = 20;

export class Child implements AsyncDisposable {
  readonly name: string;
  /** When it was started, on the clock of performance.now(), ms. */
  readonly startedAt = performance.now();
  readonly #process: ChildProcess;
  readonly #exited: Promise<unknown>;
  readonly #lastWords: string[] = [];

  constructor(name: string, command: readonly string[], options: ChildOptions = {}) {
    this.name = name;
    this.#process = spawn('setpriv', ['--pdeathsig', 'KILL', ...command], {
      env: { ...process.env, ...options.env },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    this.#exited = new Promise((resolve) => {
      this.#process.once('exit', resolve);
      this.#process.once('error', (error) => {
        this.#lastWords.push(error.message);
        resolve(undefined);
      });
    });
    for (const stream of [this.#process.stdout, this.#process.stderr]) {
      if (stream === null) continue;
      createInterface({ input: stream }).on('line', (line) => {
        this.#lastWords.push(line);
        if (this.#lastWords.length > kept) this.#lastWords.shift();
        if (stream === this.#process.stdout) options.onLine?.(line);
      });
    }
  }

  get pid(): number {
    return this.#process.pid ?? 0;
  }

  get ended(): boolean {
    return this.pid === 0 || this.#process.exitCode !== null || this.#process.signalCode !== null;
  }

  /** Resolves when it has ended, however. */
  get exited(): Promise<unknown> {
    return this.#exited;
  }

  /** Waits until `look` finds something. Throws with its last words when it ends or takes 15 s. */
  async until<T>(what: string, look: () => Promise<T | undefined> | T | undefined): Promise<T> {
    const deadline = Date.now() + 15_000;
    while (Date.now() < deadline && !this.ended) {
      const found = await look();
      if (found !== undefined) return found;
      await delay(20);
    }
    const how = this.ended ? 'ended' : 'did not get ready within 15 s';
    throw new Error(`${this.name} ${how} (${what}): ${this.#lastWords.join(' | ')}`);
  }

  /** Waits until a TCP port accepts. */
  async listens(port: number, host = '127.0.0.1'): Promise<void> {
    await this.until(
      `listen on ${host}:${port}`,
      async () => (await accepts(port, host)) || undefined,
    );
  }

  /** Why a question to it failed: the error, and its last words if it has ended. */
  describe(error: unknown): string {
    const { message, cause } = error as Error;
    const because = cause instanceof Error ? `${message}: ${cause.message}` : message;
    return this.ended ? `${because}; it has ended: ${this.#lastWords.join(' | ')}` : because;
  }

  signal(signal: NodeJS.Signals): void {
    this.#process.kill(signal);
  }

  /** Ends it (SIGKILL by default) and waits; also a hung one, also twice. */
  async end(signal: NodeJS.Signals = 'SIGKILL'): Promise<void> {
    if (this.ended) return;
    this.#process.kill(signal);
    // A stopped process takes no signal but SIGKILL until it goes on.
    this.#process.kill('SIGCONT');
    await this.#exited;
  }

  /** As end('SIGKILL'), without waiting. */
  endNow(): void {
    this.#process.kill('SIGKILL');
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.end();
  }
}

async function accepts(port: number, host: string): Promise<boolean> {
  const socket = connect({ port, host, timeout: 1_000 });
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
