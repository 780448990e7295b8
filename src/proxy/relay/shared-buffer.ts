/**
 * Copies through shared memory: every session of the process reads into one buffer.
 *
 * Node hands a stream a fresh buffer for each read; a socket made with `onread` reads into one
 * buffer for ever, which takes a third off the cost of a relayed call and all of its garbage. Reads
 * are delivered one at a time on one thread, so a single buffer serves everybody, provided that its
 * bytes are gone before the callback returns:
 *
 *   read into the buffer ──► offer to the kernel at once ──► all taken: next read
 *                                                       └──► some left: stop reading, go on when
 *                                                            they were sent
 *
 * A stream's `write` goes on referring to the memory of what the kernel did not take. So a small
 * chunk, nearly every one of an RPC, is written from a slot, which is given away with it when
 * something is left; a large one is offered by a plain non-blocking write(2) on the socket's
 * descriptor, and what is left of it is copied. (The latter alone would do for both, but its way
 * through `node:fs` costs 12 % of a small call; see test/bench/JOURNAL.md.)
 *
 * This is where we leave Node's documented API (relay.ts does in a word): the handle, and with it the
 * descriptor, of a connected socket; and whether a stream has ended that was looked at before (beside TLS). `isSupported` tells whether this Node has it as we know it.
 */
import { readSync, writeSync } from 'node:fs';
import { connect, type Server, Socket, type TcpNetConnectOpts } from 'node:net';
import { TLSSocket } from 'node:tls';
import { type ByteCounts, clientSpoke, memberSpoke } from './byte-counts.ts';
import type { Copier, Follower, SocketPair } from './copier.ts';
import { Gate } from './gate.ts';
import { orEnd } from './or-end.ts';
import { resetConnection } from './relay.ts';
import { copyChunks, type Listen, listenToStream } from './streams.ts';

/** What we use of Node's TCP and pipe handles. `fd` is negative once the handle is closed. */
interface Handle {
  readonly fd: number;
  useUserBuffer(buffer: Uint8Array): void;
}

/** The documented options of `net.Socket`, and the undocumented `handle`. */
interface SocketOptions {
  readonly handle: Handle;
  readonly allowHalfOpen: true;
  readonly onread: {
    readonly buffer: Uint8Array;
    /** Called with the number of bytes that wait in the buffer; `false` stops reading. */
    readonly callback: (bytes: number) => boolean;
  };
}

/** 64 KiB is what libuv suggests for a read. */
const buffer = Buffer.allocUnsafeSlow(64 * 1024);

/** A chunk up to this long, bytes, goes through a slot. */
const slotSize = 4 * 1024;

/** Memory for one chunk, with views of each length that was needed so far. */
class Slot {
  readonly #memory = Buffer.allocUnsafeSlow(slotSize);
  readonly #views: Uint8Array[] = [];

  /** Copies the first `bytes` bytes of the buffer and returns the copy. */
  fill(bytes: number): Uint8Array {
    buffer.copy(this.#memory, 0, 0, bytes);
    const known = this.#views[bytes];
    if (known !== undefined) return known;
    const view = this.#memory.subarray(0, bytes);
    this.#views[bytes] = view;
    return view;
  }
}

const nothing = new Uint8Array(0);
let slot = new Slot();

/** Does this Node have handles as we know them? Asked of a listening server. */
export function isSupported(server: Server): boolean {
  const handle = handleOf(server);
  return typeof handle?.useUserBuffer === 'function' && handle.fd >= 0;
}

/** Where the bytes of a connection go that was made to read into the buffer from the start. */
interface Reader {
  onBytes(bytes: number): boolean;
}

const readers = new WeakMap<Socket, Reader>();

/**
 * As `net.connect`, for a connection that need not be taken over later, which saves a socket. It must
 * be paused until it is copied.
 */
export function connectToSharedBuffer(options: TcpNetConnectOpts): Socket {
  const reader: Reader = { onBytes: () => true };
  const callback = (bytes: number): boolean => reader.onBytes(bytes);
  const socket = connect({ ...options, onread: { buffer, callback } });
  readers.set(socket, reader);
  return socket;
}

/** See `Copier`. */
export const copyThroughSharedBuffer: Copier = (
  given: SocketPair,
  counts: ByteCounts,
  follower?: Follower,
) => {
  const gate = new Gate(() => client);
  const resumeMember = (): void => void member.resume();
  const fromClient = (bytes: number): boolean => {
    clientSpoke(counts, bytes);
    return gate.passes(forward(bytes, member, gate.drained));
  };
  const fromMember = (bytes: number): boolean => {
    memberSpoke(counts, bytes);
    return forward(bytes, client, resumeMember);
  };
  // Whoever is not followed pays nothing for it.
  const readsClient = orEnd(
    follower === undefined
      ? fromClient
      : (bytes: number): boolean => {
          follower.followClient(buffer, bytes);
          return fromClient(bytes);
        },
    (error) => end(error),
  );
  const readsMember = orEnd(
    follower === undefined
      ? fromMember
      : (bytes: number): boolean => {
          const at = follower.followMember(buffer, bytes);
          if (at < 0) return fromMember(bytes);
          memberSpoke(counts, bytes);
          return forwardWith(follower.injection, at, bytes, client, resumeMember);
        },
    (error) => end(error),
  );
  const client = takeOver(given.client, readsClient);
  const member = readWith(given.member, readsMember);
  const end = (error: Error): void => {
    resetConnection(client, error);
    resetConnection(member, error);
  };
  const catchUp = (): boolean => {
    // What is still to be sent must not be overtaken; nothing is read before that.
    if (member.writableLength > 0 || gate.held) return true;
    const bytes = readNow(client);
    if (bytes > 0 && !readsClient(bytes)) client.pause();
    return bytes > 0;
  };
  return { client, member, catchUp, hold: gate.hold, release: gate.release };
};

/**
 * Reads a plain connection through the buffer, for whoever keeps what was read, as TLS does until it is
 * sent: a chunk is a copy of its own, of its own size, where a stream takes 64 KiB for each read.
 */
const listenThroughSharedBuffer: Listen = (socket, onChunk) => {
  const head: Buffer | null = socket.read(); // what was looked at and put back, see first-bytes.ts
  const { ended } = (socket as unknown as { _readableState: { ended: boolean } })._readableState;
  if (ended) {
    if (head !== null) socket.unshift(head);
    return listenToStream(socket, onChunk);
  }
  const successor = readWith(socket, (bytes) => onChunk(Buffer.from(buffer.subarray(0, bytes))));
  if (head !== null) {
    // Before anything is read, and when both sides are there.
    queueMicrotask(() => {
      if (!onChunk(head)) successor.pause();
    });
  }
  return successor;
};

/** A copier for sessions with TLS of our own on one side or both. */
export const copyBesideTls: Copier = copyChunks((socket, onChunk) =>
  socket instanceof TLSSocket
    ? listenToStream(socket, onChunk)
    : listenThroughSharedBuffer(socket, onChunk),
);

/** Reads what has arrived, without waiting. Returns the number of bytes now in the buffer. */
function readNow(socket: Socket): number {
  const handle = handleOf(socket);
  if (handle === null) return 0;
  try {
    return readSync(handle.fd, buffer, 0, buffer.length, null);
  } catch {
    return 0; // nothing there; whatever else it may be, the stream will tell
  }
}

/**
 * Sends the first `bytes` bytes of the buffer to `target`. Returns whether the next read may come;
 * if not, `resume` is called when it may.
 */
function forward(bytes: number, target: Socket, resume: () => void): boolean {
  const handle = handleOf(target);
  if (handle === null) return true; // destroyed: the session is about to end, nobody misses it
  if (bytes <= slotSize) return forwardSmall(bytes, target, resume);
  // What waits in the stream goes first, such as a GOAWAY frame: the descriptor knows nothing of it.
  if (target.writableLength > 0)
    return enqueue(Buffer.from(buffer.subarray(0, bytes)), target, resume);
  let taken = 0;
  // The descriptor is asked of the live handle each time: a number kept from earlier could by now
  // belong to another connection.
  try {
    taken = writeSync(handle.fd, buffer, 0, bytes);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EAGAIN') {
      target.destroy(error as Error);
      return false;
    }
  }
  if (taken === bytes) return true;
  return enqueue(Buffer.from(buffer.subarray(taken, bytes)), target, resume);
}

/** As `forward`, with `injection` after the first `at` bytes. */
function forwardWith(
  injection: Uint8Array,
  at: number,
  bytes: number,
  target: Socket,
  resume: () => void,
): boolean {
  const chunk = Buffer.concat([buffer.subarray(0, at), injection, buffer.subarray(at, bytes)]);
  return enqueue(chunk, target, resume);
}

function forwardSmall(bytes: number, target: Socket, resume: () => void): boolean {
  target.write(slot.fill(bytes));
  if (target.writableLength === 0) return true;
  slot = new Slot();
  return enqueue(nothing, target, resume);
}

/** Sends `chunk`, which nobody else may write to, after all that waits. `resume` is called once it is sent. */
function enqueue(chunk: Uint8Array, target: Socket, resume: () => void): false {
  target.write(chunk, (error) => {
    if (!error) resume();
  });
  return false;
}

/** The socket that calls `onBytes` with what was read into the buffer, in place of `socket`. */
function readWith(socket: Socket, onBytes: (bytes: number) => boolean): Socket {
  const reader = readers.get(socket);
  if (reader === undefined) return takeOver(socket, onBytes);
  if (handleOf(socket) === null) throw new Error('the connection is already closed');
  reader.onBytes = onBytes;
  // Whoever dialled has nothing more to hear, and would be kept in memory by it.
  socket.removeAllListeners('error');
  return socket;
}

/** Moves the connection of `socket` into a successor that reads into the buffer. */
function takeOver(socket: Socket, callback: (bytes: number) => boolean): Socket {
  const handle = handleOf(socket);
  if (handle === null) throw new Error('the connection is already closed');
  // Without its handle the old socket is an empty shell; destroying it settles the server's count.
  (socket as unknown as { _handle: Handle | null })._handle = null;
  socket.destroy();
  const options: SocketOptions = { handle, allowHalfOpen: true, onread: { buffer, callback } };
  return new Socket(options as unknown as ConstructorParameters<typeof Socket>[0]);
}

function handleOf(owner: Socket | Server): Handle | null {
  return (owner as unknown as { _handle: Handle | null })._handle;
}
