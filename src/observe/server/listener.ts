/**
 * The observe listener over the life of a process that may follow another one: opened at once, or as
 * soon as the predecessor has let go of the address.
 *
 * Owns when it opens and closes. What is served there is http.ts.
 */

import type { TcpAddress } from '../../config/values/listen.ts';
import { openWhenFree } from '../../lib/net/bind-retry.ts';
import { formatHostPort } from '../../lib/net/host-port.ts';
import type { Event } from '../events/event.ts';
import { type ObserveOptions, type ObserveServer, openObserveServer } from './http.ts';

export interface ObserveListenerOptions extends Omit<ObserveOptions, 'host' | 'port'> {
  /** `undefined` for none, unless one is inherited. */
  readonly address: TcpAddress | undefined;
  /** May another process with the same configuration run beside this one? */
  readonly isShared: boolean;
  readonly record: (event: Event) => void;
}

export class ObserveListener {
  readonly #closing = new AbortController();
  readonly #isInherited: boolean;
  #server: ObserveServer | undefined;

  /** Throws as `openObserveServer` does; not for an address in use where listeners are shared. */
  static async open(options: ObserveListenerOptions): Promise<ObserveListener> {
    const listener = new ObserveListener(options.inherited !== undefined);
    await listener.#open(options);
    return listener;
  }

  private constructor(isInherited: boolean) {
    this.#isInherited = isInherited;
  }

  /** `undefined` while it is not open, and for a Unix socket. */
  get port(): number | undefined {
    return this.#server?.port;
  }

  /** A process begins to drain: an inherited socket is the successor's alone from now on. */
  yield(): void {
    if (this.#isInherited) this.close();
  }

  close(): void {
    this.#closing.abort();
    this.#server?.close();
    this.#server = undefined;
  }

  async #open(options: ObserveListenerOptions): Promise<void> {
    const { address, inherited, isShared, record, ...served } = options;
    const { host, port } = address ?? { host: '', port: 0 };
    if (address === undefined && inherited === undefined) return;
    const open = () => openObserveServer({ host, port, inherited, ...served });
    if (!isShared) {
      this.#server = await open();
      return;
    }
    const waits = Promise.withResolvers<'waits'>();
    const { signal } = this.#closing;
    const opening = openWhenFree(
      open,
      (refusal) => {
        record({ kind: 'observe-waits', why: refusal.message });
        waits.resolve('waits');
      },
      signal,
    ).then((server) => {
      if (signal.aborted) server?.close();
      else this.#server = server;
    });
    const first = await Promise.race([opening, waits.promise]);
    if (first !== 'waits') return;
    void opening.then(() => {
      if (!signal.aborted)
        record({
          kind: 'observe-opened',
          shown: formatHostPort(host, port),
          observePort: this.port,
        });
    });
  }
}
