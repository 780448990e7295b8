/** A crowd of idle HTTP/2 connections in a process of its own, seen from the harness. */
import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import type { Where } from './client.ts';

export class Crowd implements AsyncDisposable {
  readonly #process: ChildProcess;

  /** Resolves when all of them have been answered by a member. */
  static async start(where: Where, size: number): Promise<Crowd> {
    const crowd = new Crowd(where, size);
    const ended = once(crowd.#process, 'exit').then(() => {
      throw new Error(`Of ${size} clients not all were served within 30 s.`);
    });
    await Promise.race([once(crowd.#process, 'message'), ended]);
    ended.catch(() => {});
    return crowd;
  }

  private constructor({ addresses, tls }: Where, size: number) {
    const args = [addresses[0] ?? '', String(size), ...(tls ? [JSON.stringify(tls)] : [])];
    this.#process = fork(join(import.meta.dirname, 'crowd-process.ts'), args, {
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
