/**
 * What a copier is: it moves the bytes of a session. There are two, with the same tests:
 * shared-buffer.ts, which allocates nothing, and streams.ts, which is plain Node.
 */
import type { Socket } from 'node:net';
import type { ByteCounts } from './byte-counts.ts';

/** The two ends of a session. */
export interface SocketPair {
  readonly client: Socket;
  readonly member: Socket;
}

/**
 * Reads along with what is copied, chunk by chunk, and may have frames to the client injected. It changes
 * nothing of what either side says.
 */
export interface Follower {
  /** Told of the first `count` of `bytes`, which the client has sent. */
  followClient(bytes: Uint8Array, count: number): void;
  /** The same for the member. Returns where in them `injection` goes, as an offset; -1 for nowhere. */
  followMember(bytes: Uint8Array, count: number): number;
  readonly injection: Uint8Array;
}

/** A session being copied. */
export interface Copying extends SocketPair {
  /**
   * Passes on what the client has sent and was not read yet. Returns whether there was something;
   * false also when that cannot be told.
   */
  readonly catchUp: () => boolean;
  /**
   * Stops reading from the client: what it sends stays in the kernel. Bytes from the member go on. Does
   * nothing when that is so already.
   */
  readonly hold: () => void;
  /** Ends a hold, unless the member still has to take what was read before. */
  readonly release: () => void;
}

/**
 * Starts to copy both ways between two connected sockets that have not been read from, and counts.
 * Returns the sockets that carry the session from now on, which need not be those given. A peer that
 * does not read stops the reading from the other side. A failed write destroys the socket it was
 * for with that error; what is for one that is destroyed is dropped. Ends and errors are otherwise left to the caller. Throws when one of the
 * sockets is destroyed.
 */
export type Copier = (pair: SocketPair, counts: ByteCounts, follower?: Follower) => Copying;
