/**
 * Frames: finds where the frames of one direction of an HTTP/2 connection begin and end, and to which
 * streams they belong. The copied bytes are not touched.
 *
 *   chunk ──► preface, compared ──► 9-byte header ──► payload, skipped ──► 9-byte header …
 *                                        └──► onFrame
 *
 * Nothing is decoded, kept, or allocated per chunk. Invalid bytes end the following for good; the copier
 * goes on. RFC 9113 section 4.1 defines the header, section 6 each type of frame.
 */

/** The frame types of RFC 9113 section 6 that matter here. */
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

/** On DATA and HEADERS: the sender has ended the stream. */
export const endStream = 0x1;
/** On HEADERS and CONTINUATION: the header block is complete. */
export const endHeaders = 0x4;
/** On SETTINGS and PING: the frame acknowledges one. */
export const acknowledgement = 0x1;

/** What a client sends first (section 3.4). */
export const clientPreface: Uint8Array = Buffer.from('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n', 'latin1');
/** A server sends nothing before its first frame. */
export const serverPreface: Uint8Array = new Uint8Array(0);

const headerLength = 9;

/** Called when the header of a frame has arrived. Its payload may still be missing. */
export type OnFrame = (type: number, flags: number, streamId: number) => void;

/** `lost`: the bytes are not valid HTTP/2. */
export type Following = 'preface' | 'frames' | 'lost';

export class FrameFollower {
  readonly #preface: Uint8Array;
  readonly #onFrame: OnFrame;
  #state: Following = 'preface';
  /** Bytes of the preface that have arrived. */
  #compared = 0;
  /** Bytes of the payload that are still missing. */
  #remaining = 0;
  /** Bytes of the next header that have arrived, and its fields so far. */
  #seen = 0;
  #length = 0;
  #type = 0;
  #flags = 0;
  #streamId = 0;
  /** The stream whose header block is incomplete; 0 for none. No other frame may interrupt it (section 6.10). */
  #block = 0;

  constructor(preface: Uint8Array, onFrame: OnFrame) {
    this.#preface = preface;
    this.#onFrame = onFrame;
  }

  /** `frames` from the first frame on: it proves that the bytes are HTTP/2. */
  get state(): Following {
    return this.#state;
  }

  /** May a frame be injected right after the bytes followed so far? */
  get isBetweenFrames(): boolean {
    return (
      this.#state === 'frames' && this.#remaining === 0 && this.#seen === 0 && this.#block === 0
    );
  }

  /**
   * Follows the first `count` of `bytes`. Returns the last offset in them at which a frame may be
   * injected; -1 if there is none, as within a long payload.
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
        // The header is complete in this chunk, as nearly all are.
        this.#length =
          ((bytes[at] as number) << 16) |
          ((bytes[at + 1] as number) << 8) |
          (bytes[at + 2] as number);
        this.#type = bytes[at + 3] as number;
        this.#flags = bytes[at + 4] as number;
        // The first bit of a stream id is reserved and has no meaning.
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

  /** Takes the next byte of a preface, or of a header that arrives in parts. */
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

  /** The header is complete. */
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

  /** May this type of frame come now? Also keeps track of header blocks. */
  #isAllowedHere(): boolean {
    const type = this.#type;
    // Each side begins with its SETTINGS (section 3.4).
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

  /** Do the length and the stream fit the type (sections 6.1 to 6.10)? */
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
        return true; // a type of a later extension is ignored (section 4.1)
    }
  }
}
