/** A crowd of idle HTTP/2 connections in a process of its own, seen from the harness. */
import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';

export class Crowd implements AsyncDisposable {
  readonly #process: ChildProcess;

  /** Resolves when all of them have been answered by a member. */
  static async start(address: string, size: number): Promise<Crowd> {
    const crowd = new Crowd(address, size);
    const ended = once(crowd.#process, 'exit').then(() => {
      throw new Error(`Of ${size} clients not all were served within 30 s.`);
    });
    await Promise.race([once(crowd.#process, 'message'), ended]);
    ended.catch(() => {});
    return crowd;
  }

  private constructor(address: string, size: number) {
    this.#process = fork(join(import.meta.dirname, 'crowd-process.ts'), [address, String(size)], {
      stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
      execArgv: [],
    });
  }

  async stop(): Promise<void> {
    if (this.#process.exitCode !== null || this.#process.signalCode !== null) return;
    const exited = once(this.#process, 'exit');
    this.#process.kill('SIGKILL');
    await exited;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop();
  }
}
