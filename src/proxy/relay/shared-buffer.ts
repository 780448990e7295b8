/**
 * Copies through shared memory: every session of the process reads into one buffer.
 *
 * Node gives a stream a new buffer for each read. A socket made with `onread` always reads into the same
 * buffer, which saves a third of the cost of a relayed call and all of its garbage. Reads are delivered one
 * at a time on one thread. So one buffer serves all sessions, if its bytes are gone before the callback
 * returns:
 *
 *   read into the buffer ──► offer to the kernel at once ──► all taken: next read
 *                                                       └──► some left: stop reading until they
 *                                                            are sent
 *
 * A stream's `write` keeps a reference to the memory that the kernel did not take. So a small chunk, as
 * nearly every chunk of an RPC, is written from a slot, and a slot with bytes left is not used again. A
 * large chunk is offered by a plain non-blocking write(2) on the socket's descriptor, and the rest of it is
 * copied. (That would do for small chunks too, but the way through `node:fs` costs 12 % of a small call;
 * see test/bench/JOURNAL.md.)
 *
 * This file leaves Node's documented API, as relay.ts does in one place: it uses the handle and descriptor of
 * a connected socket, and beside TLS the internal `ended` of a stream. `isSupported` checks this Node for it.
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

/** The parts of Node's TCP and pipe handles that we use. `fd` is negative once the handle is closed. */
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
    /** Called with the number of bytes in the buffer. Returning `false` stops reading. */
    readonly callback: (bytes: number) => boolean;
  };
}

/** libuv suggests 64 KiB for a read. */
const buffer = Buffer.allocUnsafeSlow(64 * 1024);

/** Chunks up to this length, bytes, go through a slot. */
const slotSize = 4 * 1024;

/** Memory for one chunk, with a view for each length used so far. */
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

/** Does this Node have the handles that we expect? Checked on a listening server. */
export function isSupported(server: Server): boolean {
  const handle = handleOf(server);
  return typeof handle?.useUserBuffer === 'function' && handle.fd >= 0;
}

/** Receives the bytes of a connection that reads into the buffer from the start. */
interface Reader {
  onBytes(bytes: number): boolean;
}

const readers = new WeakMap<Socket, Reader>();

/**
 * As `net.connect`, for a connection that need not be taken over later, which saves a socket. It must
 * stay paused until it is copied.
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
  // A session that is not followed pays nothing for it.
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
    // New bytes must not overtake those that wait to be sent.
    if (member.writableLength > 0 || gate.held) return true;
    const bytes = readNow(client);
    if (bytes > 0 && !readsClient(bytes)) client.pause();
    return bytes > 0;
  };
  return { client, member, catchUp, hold: gate.hold, release: gate.release };
};

/**
 * Reads a plain connection through the buffer for a consumer that keeps the chunks, as TLS does until they
 * are sent. Each chunk is a copy of its exact size; a stream would take 64 KiB for each read.
 */
const listenThroughSharedBuffer: Listen = (socket, onChunk) => {
  const head: Buffer | null = socket.read(); // first-bytes.ts reads these bytes and puts them back
  const { ended } = (socket as unknown as { _readableState: { ended: boolean } })._readableState;
  if (ended) {
    if (head !== null) socket.unshift(head);
    return listenToStream(socket, onChunk);
  }
  const successor = readWith(socket, (bytes) => onChunk(Buffer.from(buffer.subarray(0, bytes))));
  if (head !== null) {
    // In a microtask both sides exist, and nothing else has been read.
    queueMicrotask(() => {
      if (!onChunk(head)) successor.pause();
    });
  }
  return successor;
};

/** The copier for sessions in which we speak TLS on one side or both. */
export const copyBesideTls: Copier = copyChunks((socket, onChunk) =>
  socket instanceof TLSSocket
    ? listenToStream(socket, onChunk)
    : listenThroughSharedBuffer(socket, onChunk),
);

/** Reads what has arrived, without waiting. Returns the number of bytes in the buffer. */
function readNow(socket: Socket): number {
  const handle = handleOf(socket);
  if (handle === null) return 0;
  try {
    return readSync(handle.fd, buffer, 0, buffer.length, null);
  } catch {
    return 0; // nothing has arrived; the stream reports any other error
  }
}

/**
 * Sends the first `bytes` bytes of the buffer to `target`. Returns whether the next read may follow; if not,
 * `resume` is called when it may.
 */
function forward(bytes: number, target: Socket, resume: () => void): boolean {
  const handle = handleOf(target);
  if (handle === null) return true; // `target` is destroyed: the session is about to end
  if (bytes <= slotSize) return forwardSmall(bytes, target, resume);
  // Bytes that wait in the stream, such as a GOAWAY frame, go first: the descriptor does not know of them.
  if (target.writableLength > 0)
    return enqueue(Buffer.from(buffer.subarray(0, bytes)), target, resume);
  let taken = 0;
  // The descriptor is read from the live handle each time: an older number could by now belong to
  // another connection.
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

/** As `forward`, with `injection` inserted after the first `at` bytes. */
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

/** Sends `chunk` after all that waits; nobody may change it from now on. `resume` is called once it is sent. */
function enqueue(chunk: Uint8Array, target: Socket, resume: () => void): false {
  target.write(chunk, (error) => {
    if (!error) resume();
  });
  return false;
}

/** Returns the socket to use in place of `socket`: it reads into the buffer and calls `onBytes`. */
function readWith(socket: Socket, onBytes: (bytes: number) => boolean): Socket {
  const reader = readers.get(socket);
  if (reader === undefined) return takeOver(socket, onBytes);
  if (handleOf(socket) === null) throw new Error('the connection is already closed');
  reader.onBytes = onBytes;
  // The listener of the dial is done, and would keep the dial in memory.
  socket.removeAllListeners('error');
  return socket;
}

/** Moves the connection of `socket` to a new socket that reads into the buffer. */
function takeOver(socket: Socket, callback: (bytes: number) => boolean): Socket {
  const handle = handleOf(socket);
  if (handle === null) throw new Error('the connection is already closed');
  // Without its handle the old socket is empty; destroying it corrects the server's connection count.
  (socket as unknown as { _handle: Handle | null })._handle = null;
  socket.destroy();
  const options: SocketOptions = { handle, allowHalfOpen: true, onread: { buffer, callback } };
  return new Socket(options as unknown as ConstructorParameters<typeof Socket>[0]);
}

function handleOf(owner: Socket | Server): Handle | null {
  return (owner as unknown as { _handle: Handle | null })._handle;
}
