/**
 * The messages of `Maintenance.Snapshot`, taken apart as they arrive. Nothing is joined or copied: a blob is handed on in
 * the pieces in which the network brings it.
 *
 *   gRPC (PROTOCOL-HTTP2.md)   compressed: 1 byte · length: 4 bytes · message, again and again
 *   message (etcd rpc.proto)   header = 1 · remaining_bytes = 2 (varint) · blob = 3 · version = 4
 *
 * Pure. What the bytes of the blobs mean is format.ts.
 */

/** Where the parser stands: what the next byte is. */
type State = 'frame' | 'tag' | 'remaining' | 'length' | 'blob' | 'skip' | 'skip-varint';

/** The bytes in front of a message. */
const frameHead = 5;
/** The longest varint of 64 bits. */
const longestVarint = 10;
/** etcd sends 32 KiB at a time; a longer message is not a snapshot's. */
const longestMessage = 16 * 1024 * 1024;

const wireTypes = { varint: 0, bytes: 2 } as const;

export interface MessageHandlers {
  /** A piece of the snapshot. The bytes are those given to `take`, and theirs only during the call. */
  readonly blob: (piece: Buffer) => void;
  /** How many bytes of the database follow the blob of this message, whichever field comes first. */
  readonly remaining: (bytes: number) => void;
  /** A message has ended. */
  readonly end: () => void;
}

export class SnapshotMessages {
  readonly #handlers: MessageHandlers;
  #state: State = 'frame';
  /** Of the head of a frame, or of a varint, that has not all arrived. */
  #digits = 0;
  #value = 0;
  /** Until the message ends, bytes. */
  #left = 0;
  /** Until the field ends, bytes. */
  #fieldLeft = 0;
  #field = 0;

  constructor(handlers: MessageHandlers) {
    this.#handlers = handlers;
  }

  /** Is it between two messages? */
  get isComplete(): boolean {
    return this.#state === 'frame' && this.#digits === 0;
  }

  /** Takes the next bytes. Throws one clause where they are not messages of a snapshot. */
  take(bytes: Buffer): void {
    let at = 0;
    while (at < bytes.length) {
      const isLong = this.#state === 'blob' || this.#state === 'skip';
      at = isLong ? this.#takeField(bytes, at) : this.#takeByte(bytes[at] ?? 0, at);
    }
  }

  /** The bytes of a blob, or of a field of no interest. */
  #takeField(bytes: Buffer, at: number): number {
    const end = Math.min(bytes.length, at + this.#fieldLeft);
    if (this.#state === 'blob') this.#handlers.blob(bytes.subarray(at, end));
    this.#fieldLeft -= end - at;
    this.#left -= end - at;
    if (this.#fieldLeft === 0) this.#endField();
    return end;
  }

  #takeByte(byte: number, at: number): number {
    if (this.#state === 'frame') {
      this.#takeHead(byte);
      return at + 1;
    }
    if (this.#left === 0) throw new Error('a message ends within a field');
    this.#left -= 1;
    if (this.#digits === longestVarint) throw new Error('a number is too long');
    // Not with shifts, which end at 32 bits.
    this.#value += (byte & 0x7f) * 128 ** this.#digits;
    this.#digits += 1;
    if (byte < 0x80) this.#endVarint();
    return at + 1;
  }

  #takeHead(byte: number): void {
    if (this.#digits === 0 && byte !== 0) throw new Error('a message is compressed');
    this.#value = this.#value * 256 + byte;
    this.#digits += 1;
    if (this.#digits < frameHead) return;
    if (this.#value > longestMessage) throw new Error('a message is too long');
    this.#left = this.#value;
    this.#startNumber(this.#left === 0 ? 'frame' : 'tag');
    if (this.#left === 0) this.#handlers.end();
  }

  #endVarint(): void {
    const value = this.#value;
    if (this.#state === 'tag') {
      this.#field = Math.floor(value / 8);
      this.#startNumber(this.#afterTag(value % 8));
    } else if (this.#state === 'length') {
      this.#startField(value);
    } else {
      if (this.#state === 'remaining') this.#handlers.remaining(checkedSize(value));
      this.#endField();
    }
  }

  #startField(length: number): void {
    if (length > this.#left) throw new Error('a field is longer than its message');
    this.#fieldLeft = length;
    if (length === 0) this.#endField();
    else this.#startNumber(this.#field === 3 ? 'blob' : 'skip');
  }

  #afterTag(wireType: number): State {
    if (wireType === wireTypes.bytes) return 'length';
    if (wireType !== wireTypes.varint) throw new Error('a field has an unknown type');
    return this.#field === 2 ? 'remaining' : 'skip-varint';
  }

  #endField(): void {
    this.#startNumber(this.#left > 0 ? 'tag' : 'frame');
    if (this.#left === 0) this.#handlers.end();
  }

  #startNumber(state: State): void {
    this.#state = state;
    this.#digits = 0;
    this.#value = 0;
  }
}

function checkedSize(bytes: number): number {
  if (Number.isSafeInteger(bytes)) return bytes;
  throw new Error('a size is not one');
}
