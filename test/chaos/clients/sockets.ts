/**
 * Every socket that this process connects, with the bytes that crossed it.
 *
 * A socket belongs to whoever's asynchronous context it was opened in: grpc-js connects when a call
 * needs it and again by a timer, and both are in the context of the client that made the channel.
 * Below TLS it is the TCP socket that is recorded, so its bytes are those of the wire.
 */
import { AsyncLocalStorage } from 'node:async_hooks';
import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import { once } from 'node:events';
import type { Socket } from 'node:net';
import { now, type SocketRecord } from './record.ts';

const channel = 'net.client.socket';

/** One client, or one call of a client that connects anew for each. */
export class Owner {
  readonly name: string;
  /** Closes its sockets on purpose from now on, with nothing in flight. */
  leaves = false;

  constructor(name: string) {
    this.name = name;
  }
}

interface Open {
  readonly owner: Owner;
  readonly port: number;
  readonly opened: number;
}

export class Sockets implements Disposable {
  readonly #owners = new AsyncLocalStorage<Owner>();
  readonly #open = new Map<Socket, Open>();
  readonly #onClosed: (record: SocketRecord) => void;

  /** @param onClosed told of each socket that was connected, when it has been closed. */
  constructor(onClosed: (record: SocketRecord) => void) {
    this.#onClosed = onClosed;
    subscribe(channel, this.#onSocket);
  }

  /** Runs it; the sockets that it opens, now and later, are the owner's. */
  run<T>(owner: Owner, work: () => T): T {
    return this.#owners.run(owner, work);
  }

  /** Those that are open now. */
  get open(): SocketRecord[] {
    return [...this.#open].map(([socket, open]) => ({ ...describe(socket, open), inOrder: false }));
  }

  /** What the sockets of whoever asks this have said so far, by their ports, bytes. */
  get said(): Readonly<Record<number, number>> {
    const owner = this.#owners.getStore()?.name;
    const own = [...this.#open].filter(([, open]) => open.owner.name === owner && open.port !== 0);
    return Object.fromEntries(own.map(([socket, { port }]) => [port, socket.bytesWritten]));
  }

  /** Resolves when all are closed, or after so many ms. */
  async allClosed(patience: number): Promise<void> {
    const signal = AbortSignal.timeout(patience);
    const closed = [...this.#open.keys()].map((socket) => once(socket, 'close', { signal }));
    await Promise.allSettled(closed);
  }

  [Symbol.dispose](): void {
    unsubscribe(channel, this.#onSocket);
  }

  readonly #onSocket = (message: unknown): void => {
    const { socket } = message as { readonly socket: Socket };
    const owner = this.#owners.getStore() ?? new Owner('unknown');
    let failed = false;
    socket.on('error', () => {
      failed = true;
    });
    socket.once('connect', () => {
      const open = { owner, port: socket.localPort ?? 0, opened: now() };
      this.#open.set(socket, open);
      socket.once('close', () => {
        this.#open.delete(socket);
        const inOrder = owner.leaves && !failed;
        this.#onClosed({ ...describe(socket, open), closed: now(), inOrder });
      });
    });
  };
}

/**
 * As far as the socket is read and written by now. What a connection that broke had in its send
 * queue counts as sent, though it may never have left.
 */
function describe(socket: Socket, { owner, port, opened }: Open): Omit<SocketRecord, 'inOrder'> {
  const { bytesWritten, bytesRead } = socket;
  return {
    kind: 'socket',
    client: owner.name,
    port,
    opened,
    sent: bytesWritten,
    received: bytesRead,
  };
}
