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

export interface Relay extends Pick<Copying, 'catchUp' | 'hold' | 'release'> {
  /** Closes both ends at once. `onEnd` follows, with `closed-by-us`, unless it was ending already. */
  close(): void;
  /**
   * Ends the connection to the client in order, so that whatever was sent still arrives, and the one to
   * the member. `onEnd` follows as with `close` once the client has ended its side too.
   */
  finish(): void;
  /** Sends the client frames of our own, after all that the member has said so far; not after its end. */
  inject(frames: Uint8Array): void;
  /** Bytes from the member that the kernel has not taken for the client yet: `close` would lose them. */
  unsent(): number;
  /** Asks the system, so for people who look; undefined on a Unix socket, and once it is closed. */
  clientAddress(): string | undefined;
}

/**
 * Joins two connected sockets that have not been read from; takes them over.
 *
 * @param counts is kept up to date with the bytes read from each.
 * @param onEnd is called once, later, when both sockets are closed.
 * @throws when one of the sockets is destroyed already.
 */
export function startRelay(
  pair: SocketPair,
  copy: Copier,
  counts: ByteCounts,
  onEnd: (end: RelayEnd) => void,
  follower?: Follower,
): Relay {
  const { client, member, catchUp, hold, release } = copy(pair, counts, follower);
  let end: RelayEnd | undefined;
  let open = 2;

  const join = (socket: Socket, other: Socket, closed: RelayEnd, reset: RelayEnd): void => {
    socket.on('end', () => {
      end ??= closed;
      other.end();
    });
    socket.on('error', () => {
      if (end !== 'closed-by-us') end = reset;
      resetConnection(other);
    });
    socket.on('close', () => {
      open -= 1;
      if (open === 0) onEnd(end ?? closed);
    });
    // Without a consumer a stream that has ended would never say so.
    socket.resume();
  };
  join(client, member, 'client-closed', 'client-reset');
  join(member, client, 'member-closed', 'member-reset');

  return {
    close: () => {
      end ??= 'closed-by-us';
      client.destroy();
      member.destroy();
    },
    finish: () => {
      end ??= 'closed-by-us';
      member.destroy();
      client.end();
      client.resume(); // it may have waited for the member, and its own end must be seen
    },
    inject: (frames) => {
      // A client to whom the member's end was passed on hears nothing more, and needs no asking to leave.
      if (client.writable) client.write(frames);
    },
    unsent: () => client.writableLength,
    clientAddress: () => {
      const { remoteAddress, remotePort = 0 } = client;
      return remoteAddress === undefined ? undefined : formatHostPort(remoteAddress, remotePort);
    },
    catchUp,
    hold,
    release,
  };
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
