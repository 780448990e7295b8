/** A hostile neighbour in a process of its own, seen from the harness. */
import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';

export interface Target {
  /** host:port of the traffic. */
  readonly address: string;
  /** The same of metrics and status, where there are any. */
  readonly observe: string | undefined;
  /** How many connections never speak. */
  readonly silent: number;
}

export class Hostile implements AsyncDisposable {
  readonly #process: ChildProcess;

  /** Resolves when the connections that never speak are open. */
  static async start(target: Target): Promise<Hostile> {
    const hostile = new Hostile(target);
    await once(hostile.#process, 'message');
    return hostile;
  }

  private constructor({ address, observe = '', silent }: Target) {
    const program = join(import.meta.dirname, 'hostile-process.ts');
    this.#process = fork(program, [address, observe, String(silent)], {
      stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
      execArgv: [],
    });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#process.exitCode !== null || this.#process.signalCode !== null) return;
    const exited = once(this.#process, 'exit');
    this.#process.kill('SIGKILL');
    await exited;
  }
}
