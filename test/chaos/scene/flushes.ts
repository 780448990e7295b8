/**
 * A disk that is slow to flush, for one member: strace makes the kernel hear of each fdatasync later.
 * It stops every system call of the process for that, which makes it somewhat slower all around.
 */
import { readdir, readFile } from 'node:fs/promises';
import { Child } from '../../machine/child.ts';
import { findStrace } from '../../machine/programs.ts';
import type { Mend } from './cluster.ts';
import { once } from './harms.ts';

export class Flushes {
  /** The pid of the process, if there is one now. */
  readonly #pid: () => number | undefined;
  readonly #delays: { readonly ms: number }[] = [];
  #strace: Child | undefined;
  /** One change after the other: two cannot trace one process. */
  #changing: Promise<void> = Promise.resolve();

  constructor(pid: () => number | undefined) {
    this.#pid = pid;
  }

  /** The greatest of several delays is in force, also for a process that starts later. */
  async slow(ms: number): Promise<Mend> {
    const delay = { ms };
    this.#delays.push(delay);
    await this.apply();
    return once(() => {
      this.#delays.splice(this.#delays.indexOf(delay), 1);
      return this.apply();
    });
  }

  /** To be called when the process has started. */
  apply(): Promise<void> {
    this.#changing = this.#changing.catch(() => {}).then(() => this.#trace());
    return this.#changing;
  }

  async #trace(): Promise<void> {
    // It lets the process go at that; killed, it might leave it stopped.
    await this.#strace?.end('SIGTERM');
    this.#strace = undefined;
    const pid = this.#pid();
    const ms = Math.max(0, ...this.#delays.map((each) => each.ms));
    if (pid === undefined || ms === 0) return;
    const { path, env } = await findStrace();
    const inject = `inject=fdatasync:delay_enter=${ms * 1_000}`;
    const flags = ['-f', '-qq', '-o', '/dev/null', '-e', 'trace=fdatasync', '-e', inject];
    const strace = new Child('strace', [path, ...flags, '-p', String(pid)], { env });
    this.#strace = strace;
    try {
      await strace.until('trace every thread', async () => (await isTraced(pid)) || undefined);
    } catch (error) {
      await strace.end('SIGTERM');
      // The process has ended meanwhile: nothing to slow.
      if (this.#pid() === pid) throw error;
    }
  }
}

/** Is every thread of it traced? Those that come later are, as children of these. */
async function isTraced(pid: number): Promise<boolean> {
  const tasks = await readdir(`/proc/${pid}/task`).catch(() => []);
  const each = tasks.map(async (task) => {
    const status = await readFile(`/proc/${pid}/task/${task}/status`, 'utf8').catch(() => '');
    return !/^TracerPid:\t0$/m.test(status);
  });
  return (await Promise.all(each)).every(Boolean);
}
