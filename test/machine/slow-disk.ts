/**
 * A disk that is slow to flush, for one process that runs: the kernel is asked that much later.
 * strace stops every system call of the process for that, which makes it somewhat slower all around.
 */
import { setTimeout as delay } from 'node:timers/promises';
import { Child } from './child.ts';
import { findStrace } from './programs.ts';

/** Makes each fdatasync of the process take `by` ms longer, for so many ms. */
export async function slowDisk(pid: number, by: number, forMs: number): Promise<void> {
  const strace = await findStrace();
  const inject = `inject=fdatasync:delay_enter=${by * 1_000}`;
  const flags = ['-f', '-qq', '-o', '/dev/null', '-e', 'trace=fdatasync', '-e', inject];
  const child = new Child('strace', [strace.path, ...flags, '-p', String(pid)], {
    env: strace.env,
  });
  try {
    await delay(forMs);
    if (child.ended) throw new Error(child.describe(new Error('strace slowed no disk')));
  } finally {
    // It lets the process go at that; killed, it might leave it stopped.
    await child.end('SIGTERM');
  }
}
