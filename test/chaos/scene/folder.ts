/**
 * The folder of a run, for data and logs of members: in memory where there is room, since flushes
 * cost nothing there and two runs side by side do not wait for each other's disk; in the temporary
 * folder otherwise. Gone on disposal and when the process ends; what a killed run left takes memory,
 * so the next one removes it.
 */
import { existsSync, mkdtempSync, readdirSync, rmSync, statfsSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const prefix = 'etcd-lb-chaos-';
const memory = '/dev/shm';
/** etcd sets 128 MB aside for the log of each member. */
const enough = 2 * 1024 ** 3;

export class RunFolder implements Disposable {
  readonly path: string;

  constructor() {
    sweep(memory);
    sweep(tmpdir());
    this.path = make();
    process.once('exit', this.#remove);
  }

  [Symbol.dispose](): void {
    process.off('exit', this.#remove);
    this.#remove();
  }

  // Retried, since a process may still write while it dies.
  readonly #remove = (): void => {
    rmSync(this.path, { recursive: true, force: true, maxRetries: 5 });
  };
}

function make(): string {
  const name = `${prefix}${process.pid}-`;
  try {
    const { bavail, bsize } = statfsSync(memory);
    if (Math.min(bavail * bsize, process.availableMemory()) >= enough) {
      return mkdtempSync(join(memory, name));
    }
  } catch {
    // Not there, or not writable.
  }
  return mkdtempSync(join(tmpdir(), name));
}

function sweep(parent: string): void {
  if (!existsSync(parent)) return;
  for (const name of readdirSync(parent)) {
    const [, pid] = new RegExp(`^${prefix}(\\d+)-`).exec(name) ?? [];
    if (pid === undefined || existsSync(`/proc/${pid}`)) continue;
    rmSync(join(parent, name), { recursive: true, force: true });
  }
}
