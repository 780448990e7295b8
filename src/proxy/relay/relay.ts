/**
 * The relay: joins a client and a member until both have finished.
 *
 * An end of stream is passed on as such and leaves the other direction open (half-close), a reset
 * is passed on as a reset, and errors are values here: they become the reason why the relay ended.
 *
 * Owns the two sockets. How the bytes are moved: copier.ts; whose they are: sessions/session.ts.
 */
import type { Socket } from 'node:net';
import { TLSSocket } from 'node:tls';
import { formatHostPort } from '../../lib/net/host-port.ts';
import type { ByteCounts } from './byte-counts.ts';
import type { Copier, Copying, Follower, SocketPair } from './copier.ts';

/** Who ended it and how: the first to close, unless a reset came later. */
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
   * Joins two connected sockets that have not been read from; takes them over.
   *
   * @param counts is kept up to date with the bytes read from each.
   * @param onEnd is called once, later, when both sockets are closed.
   * @throws when one of the sockets is destroyed already.
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

  /** Closes both ends at once. `onEnd` follows, with `closed-by-us`, unless it was ending already. */
  close(): void {
    this.#end ??= 'closed-by-us';
    this.#client.destroy();
    this.#member.destroy();
  }

  /**
   * Ends the connection to the client in order, so that whatever was sent still arrives, and the one to
   * the member. `onEnd` follows as with `close` once the client has ended its side too.
   */
  finish(): void {
    this.#end ??= 'closed-by-us';
    this.#member.destroy();
    this.#client.end();
    this.#client.resume(); // it may have waited for the member, and its own end must be seen
  }

  /** Sends the client frames of our own, after all that the member has said so far; not after its end. */
  inject(frames: Uint8Array): void {
    // A client to whom the member's end was passed on hears nothing more, and needs no asking to leave.
    if (this.#client.writable) this.#client.write(frames);
  }

  /** Bytes from the member that the kernel has not taken for the client yet: `close` would lose them. */
  unsent(): number {
    return this.#client.writableLength;
  }

  /** Asks the system, so for people who look; undefined on a Unix socket, and once it is closed. */
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
    // Without a consumer a stream that has ended would never say so.
    socket.resume();
  }
}

/**
 * Closes with a TCP reset, so that the peer learns that the call was cut; a Unix socket has none, nor
 * has a connection on which we have ended our side already. With TLS it is learned from the `close_notify`
 * that is missing (RFC 8446 section 6.1), and Node's TLS sockets know no reset: the mark would keep one
 * from being closed at all.
 *
 * Not by `resetAndDestroy`, which shuts the connection down first: libuv refuses to reset one whose
 * shutdown is under way, and if it is destroyed in that moment it is never closed, neither for us nor
 * for the peer. The mark alone makes `destroy` reset at once; a Node without it would just close.
 *
 * @param error emitted by the socket, if given.
 */
export function resetConnection(socket: Socket, error?: Error): void {
  const isPlain = !(socket instanceof TLSSocket);
  const canReset = isPlain && socket.remoteAddress !== undefined && !socket.writableEnded;
  if (canReset) (socket as unknown as { resetAndClosing: boolean }).resetAndClosing = true;
  socket.destroy(error);
}
