/**
 * A management listener in a process that may succeed another one:
 *
 *   older    ── accepts ──────────┬─ drains ──┐ closes
 *   younger            ── waits ──┴───────────┴─ opens what only one process can have
 *
 * Owns when it opens and closes, and retries the bind. What to open, and how the wait is reported, are functions.
 */
import { setTimeout as delay } from 'node:timers/promises';
import { AddressInUse } from '../lib/setting-error.ts';

/** Between two attempts, ms. */
const retryInterval = 250;

/** Whatever listens. */
export interface Closable {
  close(): void;
}

export interface ListenerOptions<T extends Closable> {
  readonly open: () => Promise<T>;
  /** The descriptor of an inherited socket, if it is one: a successor inherits it too. */
  readonly inherited: number | undefined;
  /** May another process with the same configuration run beside this one? Then an address in use is waited for. */
  readonly isShared: boolean;
  /** Called once, when the wait begins. */
  readonly onWaiting: (why: AddressInUse) => void;
  /** Called when it is open after a wait. */
  readonly onOpened?: (server: T) => void;
}

export class ManagementListener<T extends Closable> {
  readonly #closing = new AbortController();
  readonly #options: ListenerOptions<T>;
  #server: T | undefined;

  /**
   * Resolves when it is open, or waits for its address. Throws what the first `open` throws, except for an address in
   * use where listeners are shared. Once it waits, it retries after any error.
   */
  static async open<T extends Closable>(
    options: ListenerOptions<T>,
  ): Promise<ManagementListener<T>> {
    const listener = new ManagementListener(options);
    try {
      listener.#server = await options.open();
    } catch (error) {
      if (!options.isShared || !(error instanceof AddressInUse)) throw error;
      options.onWaiting(error);
      void listener.#openWhenFree();
    }
    return listener;
  }

  private constructor(options: ListenerOptions<T>) {
    this.#options = options;
  }

  /** `undefined` while it is not open. */
  get server(): T | undefined {
    return this.#server;
  }

  /** The process begins to drain: from now on only the successor uses an inherited socket. */
  yield(): void {
    if (this.#options.inherited !== undefined) this.close();
  }

  close(): void {
    this.#closing.abort();
    this.#server?.close();
    this.#server = undefined;
  }

  async #openWhenFree(): Promise<void> {
    const { open, onOpened } = this.#options;
    const { signal } = this.#closing;
    let server: T | undefined;
    while (server === undefined) {
      await delay(retryInterval, undefined, { signal }).catch(() => {});
      if (signal.aborted) return;
      server = await open().catch(() => undefined);
    }
    if (signal.aborted) return server.close();
    this.#server = server;
    onOpened?.(server);
  }
}
