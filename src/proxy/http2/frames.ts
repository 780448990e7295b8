/**
 * Frames: where those of one direction of an HTTP/2 connection begin and end, and of which streams they
 * are, read beside a copy that goes on untouched.
 *
 *   chunk ──► preface, compared ──► 9-byte header ──► payload, skipped ──► 9-byte header …
 *                                        └──► onFrame
 *
 * Nothing is decoded, kept, or allocated for a chunk. Bytes that make no sense end the following for
 * good; whoever copies goes on copying. RFC 9113: section 4.1 is the header, 6 what each frame must be.
 */

/** RFC 9113 section 6, as far as anything here depends on it. */
export const frameTypes = {
  data: 0,
  headers: 1,
  resetStream: 3,
  settings: 4,
  ping: 6,
  goAway: 7,
  windowUpdate: 8,
  continuation: 9,
} as const;

/** On DATA and HEADERS: the sender has finished with the stream. */
export const endStream = 0x1;
/** On HEADERS and CONTINUATION: the block of headers is whole. */
export const endHeaders = 0x4;
/** On SETTINGS and PING: an answer to one. */
export const acknowledgement = 0x1;

/** What a client says first (section 3.4). */
export const clientPreface: Uint8Array = Buffer.from('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n', 'latin1');
/** A server says nothing before its first frame. */
export const serverPreface: Uint8Array = new Uint8Array(0);

const headerLength = 9;

/** Told when the header of a frame has come; its payload may not be there yet. */
export type OnFrame = (type: number, flags: number, streamId: number) => void;

/** `lost`: what came is not HTTP/2, or not any more. */
export type Following = 'preface' | 'frames' | 'lost';

export class FrameFollower {
  readonly #preface: Uint8Array;
  readonly #onFrame: OnFrame;
  #state: Following = 'preface';
  /** Bytes of the preface that have come. */
  #compared = 0;
  /** Bytes of a payload that are still to come. */
  #remaining = 0;
  /** How much of the next header has come, and what it says so far. */
  #seen = 0;
  #length = 0;
  #type = 0;
  #flags = 0;
  #streamId = 0;
  /** The stream whose block of headers is not whole: nothing may come in between (section 6.10). */
  #block = 0;

  constructor(preface: Uint8Array, onFrame: OnFrame) {
    this.#preface = preface;
    this.#onFrame = onFrame;
  }

  /** `frames` once the first frame has come, which is when it is known to be HTTP/2. */
  get state(): Following {
    return this.#state;
  }

  /** May a frame of somebody else's come right after the bytes followed so far? */
  get isBetweenFrames(): boolean {
    return (
      this.#state === 'frames' && this.#remaining === 0 && this.#seen === 0 && this.#block === 0
    );
  }

  /**
   * Goes on with the first `count` of `bytes`. Returns the last place in them, as an offset, where a
   * frame of somebody else's may come in; -1 where there is none, as in the midst of a long payload.
   */
  follow(bytes: Uint8Array, count: number): number {
    if (this.state === 'lost') return -1;
    let gap = this.isBetweenFrames ? 0 : -1;
    let at = 0;
    while (at < count) {
      if (this.#remaining > 0) {
        const skipped = Math.min(this.#remaining, count - at);
        this.#remaining -= skipped;
        at += skipped;
      } else if (this.#seen === 0 && this.#state === 'frames' && at + headerLength <= count) {
        // A header that is there as a whole, as nearly all are.
        this.#length =
          ((bytes[at] as number) << 16) |
          ((bytes[at + 1] as number) << 8) |
          (bytes[at + 2] as number);
        this.#type = bytes[at + 3] as number;
        this.#flags = bytes[at + 4] as number;
        // The first bit of a stream's number is reserved and says nothing.
        this.#streamId =
          (((bytes[at + 5] as number) & 0x7f) << 24) |
          ((bytes[at + 6] as number) << 16) |
          ((bytes[at + 7] as number) << 8) |
          (bytes[at + 8] as number);
        at += headerLength;
        this.#headed();
      } else {
        this.#take(bytes[at] as number);
        at += 1;
      }
      if (this.#state === 'lost') return -1;
      if (this.#remaining === 0 && this.isBetweenFrames) gap = at;
    }
    return gap;
  }

  /** The next byte of a preface, or of a header that comes in parts. */
  #take(byte: number): void {
    if (this.#compared < this.#preface.length) {
      if (byte !== this.#preface[this.#compared]) this.#state = 'lost';
      this.#compared += 1;
      return;
    }
    const index = this.#seen;
    this.#seen += 1;
    if (index < 3) this.#length = (index === 0 ? 0 : this.#length << 8) | byte;
    else if (index === 3) this.#type = byte;
    else if (index === 4) this.#flags = byte;
    else this.#streamId = index === 5 ? byte & 0x7f : (this.#streamId << 8) | byte;
    if (this.#seen === headerLength) this.#headed();
  }

  /** A header is there. */
  #headed(): void {
    this.#seen = 0;
    if (!this.#isAllowedHere() || !this.#isPossible()) {
      this.#state = 'lost';
      return;
    }
    this.#state = 'frames';
    this.#remaining = this.#length;
    this.#onFrame(this.#type, this.#flags, this.#streamId);
  }

  /** Is this the kind of frame that may come now? Keeps track of blocks of headers, too. */
  #isAllowedHere(): boolean {
    const type = this.#type;
    // Either side begins with its settings (section 3.4).
    if (this.#state === 'preface') {
      if (type !== frameTypes.settings || (this.#flags & acknowledgement) !== 0) return false;
    }
    const continues = type === frameTypes.continuation;
    if (continues !== (this.#block !== 0)) return false;
    if (continues && this.#streamId !== this.#block) return false;
    if (continues || type === frameTypes.headers) {
      this.#block = (this.#flags & endHeaders) === 0 ? this.#streamId : 0;
    }
    return true;
  }

  /** Has it the length and the stream that its kind must have (sections 6.1 to 6.10)? */
  #isPossible(): boolean {
    const length = this.#length;
    const isOfConnection = this.#streamId === 0;
    switch (this.#type) {
      case frameTypes.data:
      case frameTypes.headers:
      case frameTypes.continuation:
        return !isOfConnection;
      case frameTypes.resetStream:
        return !isOfConnection && length === 4;
      case frameTypes.settings:
        return isOfConnection && length % 6 === 0;
      case frameTypes.ping:
        return isOfConnection && length === 8;
      case frameTypes.goAway:
        return isOfConnection && length >= 8;
      case frameTypes.windowUpdate:
        return length === 4;
      default:
        return true; // of a later extension: to be ignored (section 4.1)
    }
  }
}
