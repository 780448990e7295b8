/**
 * A copier moves the bytes of a session. There are two, with the same tests: shared-buffer.ts allocates
 * nothing, and streams.ts is plain Node.
 */
import type { Socket } from 'node:net';
import type { ByteCounts } from './byte-counts.ts';

/** The two ends of a session. */
export interface SocketPair {
  readonly client: Socket;
  readonly member: Socket;
}

/**
 * Reads each chunk that is copied, and may have frames injected into the bytes for the client. It changes
 * no byte of either side.
 */
export interface Follower {
  /** Reads the first `count` of `bytes`, which the client has sent. */
  followClient(bytes: Uint8Array, count: number): void;
  /** The same for the member. Returns the offset in them at which to inject `injection`; -1 for none. */
  followMember(bytes: Uint8Array, count: number): number;
  readonly injection: Uint8Array;
}

/** A session being copied. */
export interface Copying extends SocketPair {
  /**
   * Passes on the bytes of the client that were not read yet. Returns whether there were any; false also
   * if that cannot be determined.
   */
  readonly catchUp: () => boolean;
  /**
   * Stops reading from the client: its bytes stay in the kernel. Bytes from the member still pass. A second
   * call does nothing.
   */
  readonly hold: () => void;
  /** Ends a hold. Reading resumes once the member has taken what was read before. */
  readonly release: () => void;
}

/**
 * Starts to copy both ways between two connected sockets that have not been read from, and counts the bytes.
 * Returns the sockets that carry the session from now on; they may be new ones. When one side does not read,
 * reading from the other side stops. A failed write destroys its socket with that error; bytes for a
 * destroyed socket are dropped. The caller handles all other ends and errors. Throws if one of the sockets
 * is destroyed.
 */
export type Copier = (pair: SocketPair, counts: ByteCounts, follower?: Follower) => Copying;
