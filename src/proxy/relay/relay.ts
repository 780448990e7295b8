/**
 * The relay joins a client and a member until both have finished.
 *
 * The end of one direction is passed on and leaves the other open (half-close). A reset is passed on as a
 * reset. An error is a value here: it becomes the reason why the relay ended.
 *
 * Owns the two sockets. copier.ts moves the bytes; sessions/session.ts knows whose they are.
 */
import type { Socket } from 'node:net';
import { TLSSocket } from 'node:tls';
import { formatHostPort } from '../../lib/net/host-port.ts';
import type { ByteCounts } from './byte-counts.ts';
import type { Copier, Copying, Follower, SocketPair } from './copier.ts';

/** Who ended the relay and how: the first to close, unless a reset came later. */
export type RelayEnd =
  | 'client-closed'
  | 'member-closed'
  | 'client-reset'
  | 'member-reset'
  | 'closed-by-us';

export class Relay {
  readonly catchUp: Copying['catchUp'];
  readonly hold: Copying['hold'];
  readonly release: Copying['release'];
  readonly #client: Socket;
  readonly #member: Socket;
  readonly #onEnd: (end: RelayEnd) => void;
  #end: RelayEnd | undefined;
  #open = 2;

  /**
   * Joins two connected sockets that have not been read from, and takes them over.
   *
   * @param counts updated with the bytes read from each.
   * @param onEnd called once, later, when both sockets are closed.
   * @throws if one of the sockets is already destroyed.
   */
  constructor(
    pair: SocketPair,
    copy: Copier,
    counts: ByteCounts,
    onEnd: (end: RelayEnd) => void,
    follower?: Follower,
  ) {
    const { client, member, catchUp, hold, release } = copy(pair, counts, follower);
    this.catchUp = catchUp;
    this.hold = hold;
    this.release = release;
    this.#client = client;
    this.#member = member;
    this.#onEnd = onEnd;
    this.#join(client, member, 'client-closed', 'client-reset');
    this.#join(member, client, 'member-closed', 'member-reset');
  }

  /** Closes both sockets at once. `onEnd` follows, with `closed-by-us` unless the relay was already ending. */
  close(): void {
    this.#end ??= 'closed-by-us';
    this.#client.destroy();
    this.#member.destroy();
  }

  /**
   * Ends the connection to the client in order, so that everything sent still arrives, and closes the one to
   * the member. `onEnd` follows as with `close`, once the client has ended its side too.
   */
  finish(): void {
    this.#end ??= 'closed-by-us';
    this.#member.destroy();
    this.#client.end();
    this.#client.resume(); // it may be paused for the member, and its end must be seen
  }

  /** Sends frames of our own to the client, after everything that the member has sent so far. */
  inject(frames: Uint8Array): void {
    // After the member's end nothing more can be sent, and the client leaves anyway.
    if (this.#client.writable) this.#client.write(frames);
  }

  /** Bytes for the client that the kernel has not taken yet; `close` would lose them. */
  unsent(): number {
    return this.#client.writableLength;
  }

  /** Asks the system, so only for display. Undefined for a Unix socket, and once the socket is closed. */
  clientAddress(): string | undefined {
    const { remoteAddress, remotePort = 0 } = this.#client;
    return remoteAddress === undefined ? undefined : formatHostPort(remoteAddress, remotePort);
  }

  #join(socket: Socket, other: Socket, closed: RelayEnd, reset: RelayEnd): void {
    socket.on('end', () => {
      this.#end ??= closed;
      other.end();
    });
    socket.on('error', () => {
      if (this.#end !== 'closed-by-us') this.#end = reset;
      resetConnection(other);
    });
    socket.on('close', () => {
      this.#open -= 1;
      if (this.#open === 0) this.#onEnd(this.#end ?? closed);
    });
    // A stream without a consumer never emits `end`.
    socket.resume();
  }
}

/**
 * Closes with a TCP reset, so that the peer learns that the call was cut. A Unix socket cannot be reset, nor
 * can a connection on which we have already ended our side. With TLS the missing `close_notify` tells the
 * peer (RFC 8446 section 6.1). Node's TLS sockets cannot be reset: with the mark they would never close.
 *
 * `resetAndDestroy` is of no use: it shuts the connection down first, and libuv refuses to reset during a
 * shutdown. A socket destroyed in that moment is never closed, neither for us nor for the peer. The mark
 * alone makes `destroy` reset at once; a Node without it would just close.
 *
 * @param error if given, the socket emits it.
 */
export function resetConnection(socket: Socket, error?: Error): void {
  const isPlain = !(socket instanceof TLSSocket);
  const canReset = isPlain && socket.remoteAddress !== undefined && !socket.writableEnded;
  if (canReset) (socket as unknown as { resetAndClosing: boolean }).resetAndClosing = true;
  socket.destroy(error);
}
