/** A temporary folder, gone on disposal, and also when the process ends without it. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

export class Folder implements Disposable {
  readonly path = mkdtempSync(join(tmpdir(), 'etcd-lb-run-'));

  constructor() {
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
