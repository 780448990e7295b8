/**
 * A management listener over the life of a process that may follow another one:
 *
 *   older    ── accepts ──────────┬─ drains ──┐ lets go
 *   younger            ── waits ──┴───────────┴─ opens what only one can have
 *
 * Owns when it opens and closes. What is opened, and what is told of the wait, comes as functions.
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
  /** The descriptor of a socket that a service manager has opened, if it is one: a successor has it too. */
  readonly inherited: number | undefined;
  /** May another process with the same configuration run beside this one? Then its address is waited for. */
  readonly isShared: boolean;
  /** Told once, when the wait begins. */
  readonly onWaiting: (why: AddressInUse) => void;
  /** Told when it is open after a wait. */
  readonly onOpened?: (server: T) => void;
}

export class ManagementListener<T extends Closable> {
  readonly #closing = new AbortController();
  readonly #options: ListenerOptions<T>;
  #server: T | undefined;

  /**
   * Resolves when it is open, or is waited for. Throws what `open` throws at first, but for an address in use where
   * listeners are shared. Once it waits, anything is waited for.
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

  /** The process begins to drain: an inherited socket is the successor's alone from now on. */
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
