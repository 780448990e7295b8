/**
 * A gate in front of Node's HTTP parser: it lets one request of a connection through at a time.
 *
 *   socket ──► gate ──► HTTP parser        bytes after a request wait here, unread beyond one chunk,
 *          ◄────────── answers             until that request is answered
 *
 * Node parses all requests of a chunk at once: 60 KB hold 2,000 of them, and each is answered, or at least made an
 * object, before anything else runs. So the parser gets the bytes in pieces of at most one head, and no piece
 * while a request is in progress. The gate need not know where exactly the parser ends a head: the
 * server tells it (`begin`) that there is a request.
 *
 * Owns the order, how many bytes of a body may pass, and how long each phase may take. Leaves the answers to
 * server.ts.
 */
import type { Socket } from 'node:net';
import { Duplex } from 'node:stream';

/** How long one connection may take. */
export interface Pace {
  /** For the whole head of a request, from the accept or the previous answer, ms. It bounds idle time too. */
  readonly head: number;
  /** For the body and until the answer is read, ms. Streams have no such bound. */
  readonly answer: number;
}

/** What the connection is waiting for. */
type Phase =
  /** A head. `heads` ends of heads have passed since the last request. */
  | { readonly kind: 'head'; heads: number }
  /** The answer. `body` bytes of the request's body have not passed yet. */
  | { readonly kind: 'answer'; body: number };

/** Some clients send an empty line before a request; none needs as many as this. */
const mostHeads = 8;
const lineFeed = 0x0a;
const carriageReturn = 0x0d;
const nothing = Buffer.alloc(0);

export class Gate extends Duplex {
  readonly #socket: Socket;
  readonly #pace: Pace;
  readonly #onSlow: () => void;
  #phase: Phase = { kind: 'head', heads: 0 };
  #timer: NodeJS.Timeout | undefined;
  /** Bytes that may not pass yet; the socket is paused while there are any. */
  #held: Buffer = nothing;
  #isWanted = false;
  #hasEnded = false;
  #requests = 0;

  /** @param onSlow called when a phase took too long, just before the connection is closed. */
  constructor(socket: Socket, pace: Pace, onSlow: () => void) {
    // The smallest mark: the next piece is requested only after this one is parsed.
    super({ readableHighWaterMark: 1, allowHalfOpen: false });
    this.#socket = socket;
    this.#pace = pace;
    this.#onSlow = onSlow;
    this.on('error', () => {}); // the peer is gone
    socket.on('error', (error) => this.destroy(error));
    socket.on('close', () => this.destroy());
    socket.on('data', (chunk: Buffer) => {
      this.#held = this.#held.length === 0 ? chunk : Buffer.concat([this.#held, chunk]);
      this.#pass();
    });
    socket.on('end', () => {
      this.#hasEnded = true;
      this.#pass();
    });
    this.#allow(pace.head);
  }

  /** How many requests have begun. */
  get requests(): number {
    return this.#requests;
  }

  /** Is no request in progress? */
  get isIdle(): boolean {
    return this.#phase.kind === 'head';
  }

  /**
   * The parser has found a request. Until `next`, only its body passes.
   *
   * @param body its length, bytes.
   */
  begin(body: number): void {
    this.#requests += 1;
    this.#phase = { kind: 'answer', body };
    this.#allow(this.#pace.answer);
  }

  /** The answer is a stream, which has no time limit. */
  lift(): void {
    clearTimeout(this.#timer);
  }

  /** The answer was read; the next request may come. */
  next(): void {
    if (this.destroyed) return;
    this.#phase = { kind: 'head', heads: 0 };
    this.#allow(this.#pace.head);
    this.#pass();
  }

  override _read(): void {
    // Deferred: the previous piece reaches the parser only after this returns.
    process.nextTick(() => {
      this.#isWanted = true;
      this.#pass();
    });
  }

  override _write(chunk: Buffer, _encoding: string, done: (error?: Error | null) => void): void {
    this.#socket.write(chunk, done);
  }

  override _final(done: () => void): void {
    this.#socket.end();
    done();
  }

  override _destroy(error: Error | null, done: (error?: Error | null) => void): void {
    clearTimeout(this.#timer);
    this.#held = nothing;
    this.#socket.destroy();
    done(error);
  }

  #pass(): void {
    if (this.writableEnded) this.#held = nothing; // after the last answer nothing is read
    while (this.#isWanted && this.#held.length > 0 && !this.destroyed) {
      const length = this.#passable();
      if (length === 0) break;
      const piece = this.#held.subarray(0, length);
      this.#held = this.#held.subarray(length);
      this.#isWanted = this.push(piece);
    }
    if (this.#held.length > 0) this.#socket.pause();
    else if (this.#hasEnded) this.push(null);
    else this.#socket.resume();
  }

  /** How many held bytes may pass now. */
  #passable(): number {
    const phase = this.#phase;
    if (phase.kind === 'answer') {
      const length = Math.min(phase.body, this.#held.length);
      phase.body -= length;
      return length;
    }
    const end = endOfHead(this.#held);
    if (end === undefined) return this.#held.length;
    phase.heads += 1;
    if (phase.heads <= mostHeads) return end;
    this.destroy();
    return 0;
  }

  #allow(time: number): void {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => {
      // After the last answer the peer was served, and merely did not close.
      if (!this.writableEnded) this.#onSlow();
      this.destroy();
    }, time);
  }
}

/**
 * Where the first empty line ends; `undefined` where there is none. One at the very beginning counts: it may end a
 * head whose other lines have passed already.
 */
function endOfHead(bytes: Buffer): number | undefined {
  let start = 0;
  for (;;) {
    const end = bytes.indexOf(lineFeed, start) + 1;
    if (end === 0) return undefined;
    const length = end - start;
    if (length === 1 || (length === 2 && bytes[start] === carriageReturn)) return end;
    start = end;
  }
}
