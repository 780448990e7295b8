/** The load of one run, seen from the harness: a process that is started, stopped and reports. */
import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import type { LoadPlan, LoadRecord, Order, Reply } from './plan.ts';

export class Load implements AsyncDisposable {
  readonly #process: ChildProcess;

  /** Resolves when every client has its connection and the requests begin. */
  static async start(plan: LoadPlan): Promise<Load> {
    const load = new Load();
    try {
      await load.#ask({ kind: 'start', plan }, 'started');
      return load;
    } catch (error) {
      await load[Symbol.asyncDispose]();
      throw error;
    }
  }

  private constructor() {
    this.#process = fork(join(import.meta.dirname, 'process.ts'), {
      stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
      execArgv: [],
    });
  }

  /** Ends the requests, waits for the open ones and for the watchers, up to about 12 s. */
  async stop(): Promise<LoadRecord> {
    const { record } = await this.#ask({ kind: 'stop' }, 'record');
    return record;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#process.exitCode !== null || this.#process.signalCode !== null) return;
    const exited = once(this.#process, 'exit');
    // It ends at that, and its etcdctl children with it.
    this.#process.disconnect();
    await exited;
  }

  async #ask<K extends Reply['kind']>(
    order: Order,
    expected: K,
  ): Promise<Extract<Reply, { kind: K }>> {
    const answer = once(this.#process, 'message') as Promise<[Reply]>;
    const ended = once(this.#process, 'exit').then(() => {
      throw new Error('the load process ended');
    });
    ended.catch(() => {});
    this.#process.send(order);
    const [reply] = await Promise.race([answer, ended]);
    if (reply.kind === expected) return reply as Extract<Reply, { kind: K }>;
    throw new Error(`the load failed: ${reply.kind === 'failed' ? reply.reason : reply.kind}`);
  }
}
