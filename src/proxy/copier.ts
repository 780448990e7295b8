/**
 * What a copier is: it moves the bytes of a session. There are two, with the same tests:
 * shared-buffer.ts, which allocates nothing, and streams.ts, which is plain Node.
 */
import type { Socket } from 'node:net';

/** Bytes read so far, by who sent them. Plain fields: written per chunk, read when someone asks. */
export interface ByteCounts {
  client: number;
  member: number;
  /** Did the last bytes come from the member? */
  memberSpokeLast: boolean;
  /** Is it known already that bytes have come? If not, `note` is called, which sets it. */
  noted: boolean;
  readonly note: () => void;
}

/** The two ends of a session. */
export interface SocketPair {
  readonly client: Socket;
  readonly member: Socket;
}

/** A session being copied. */
export interface Copying extends SocketPair {
  /**
   * Passes on what the client has sent and was not read yet. Returns whether there was something;
   * false also when that cannot be told.
   */
  readonly catchUp: () => boolean;
}

/**
 * Starts to copy both ways between two connected sockets that have not been read from, and counts.
 * Returns the sockets that carry the session from now on, which need not be those given. A peer that
 * does not read stops the reading from the other side. A failed write destroys the socket it was
 * for with that error. Ends and errors are otherwise left to the caller. Throws when one of the
 * sockets is destroyed.
 */
export type Copier = (pair: SocketPair, counts: ByteCounts) => Copying;
