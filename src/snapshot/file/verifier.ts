/**
 * Verifies a snapshot while it is received: the hash that etcd appends, the magic, the size. Pure but for the hash.
 *
 * The database is followed by its SHA-256. Where the one ends and the other begins is told by the first message,
 * which says how much follows it.
 */
import { createHash } from 'node:crypto';
import { hashSize, metaSize, readMeta } from './format.ts';

export class SnapshotVerifier {
  readonly #hash = createHash('sha256');
  readonly #first = Buffer.alloc(metaSize);
  readonly #tail = Buffer.alloc(hashSize);
  /** Bytes of the database; `undefined` until the first message has ended. */
  #size: number | undefined;
  #received = 0;
  #remaining = 0;

  /** Bytes of the database, `undefined` until the first message has ended. */
  get size(): number | undefined {
    return this.#size;
  }

  /** Bytes received, those of the hash included. */
  get received(): number {
    return this.#received;
  }

  /** The message that is being received says how much follows it. */
  remaining(bytes: number): void {
    this.#remaining = bytes;
  }

  /** A message has ended. */
  endMessage(): void {
    this.#size ??= this.#received + this.#remaining;
  }

  /** The next piece. Throws one clause where it is more than was announced. */
  take(piece: Buffer): void {
    const start = this.#received;
    this.#received += piece.length;
    if (start < metaSize) piece.copy(this.#first, start);
    // The first message is of the database alone, which is never shorter than it.
    const size = this.#size ?? this.#received;
    if (this.#received > size + hashSize) throw new Error('it is longer than the member announced');
    const ours = Math.max(0, Math.min(piece.length, size - start));
    this.#hash.update(ours === piece.length ? piece : piece.subarray(0, ours));
    if (ours < piece.length) piece.copy(this.#tail, start + ours - size, ours);
  }

  /**
   * To be called when the member has ended. Returns the SHA-256 of the database, hexadecimal. Throws one clause where the
   * snapshot is not whole.
   */
  verify(): string {
    const { size = 0 } = this;
    if (this.#received !== size + hashSize) {
      throw new Error(`it ended after ${this.#received} of ${size + hashSize} bytes`);
    }
    const { pageSize } = readMeta(this.#first);
    if (size % pageSize !== 0) throw new Error(`${size} bytes are not whole pages`);
    const digest = this.#hash.digest();
    if (!digest.equals(this.#tail)) {
      throw new Error('its hash is not the one that the member computed');
    }
    return digest.toString('hex');
  }
}
