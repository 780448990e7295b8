/**
 * Where the lines of the log go: a descriptor that may be full, slow or closed at its other end.
 *
 *   line ──► queue, bounded ──► one write at a time, in the background ──► descriptor
 *              └── full: lost        └── error: the unwritten rest is lost
 *
 * A line that cannot be written is lost and counted, and the next one is tried. So the log never stops the
 * balancer from working or from ending. (pino's own destination lets an error end the process, and
 * its exit hook tries for ever.)
 *
 * A descriptor that blocks would keep the process from ending, because libuv waits for its threads. Pipes and
 * sockets do not block: Node makes standard output non-blocking when it is used.
 *
 * Owns the descriptor's errors. Their sentences are in events/sentences/process.ts.
 */
import { write } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';
import { inWords } from '../../lib/system-error.ts';

/** Reported once when lines begin to be lost, and once when they are written again. `why` is one clause. */
export type LogTrouble =
  | { readonly kind: 'log-failing'; readonly why: string }
  | { readonly kind: 'log-back'; readonly why: string; readonly lines: number };

/** How many characters may wait for a slow reader. A line beyond that is lost. */
const capacity = 4 * 1024 * 1024;
/** Characters of one write. Waiting lines are written together. */
const batchSize = 64 * 1024;
/** How long to wait before a full descriptor is tried again, ms. */
const retryAfter = 100;
/** How long `close` waits for the reader, ms. */
const closeTimeout = 1_000;

export class LogOutput {
  readonly #descriptor: number;
  readonly #lines: string[] = [];
  readonly #closing = new AbortController();
  /** Characters of `#lines`. */
  #waiting = 0;
  #writing: Promise<void> | undefined;
  /** Did an error cut a line short? Then the next write begins with a line break. */
  #isCut = false;
  #lost = 0;
  #trouble: { readonly why: string; readonly lostBefore: number } | undefined;
  #onTrouble: (trouble: LogTrouble) => void = () => {};

  constructor(descriptor: number) {
    this.#descriptor = descriptor;
  }

  /** Lines lost so far. */
  get lost(): number {
    return this.#lost;
  }

  /** Calls `listener` on trouble. It may write lines itself. */
  onTrouble(listener: (trouble: LogTrouble) => void): void {
    this.#onTrouble = listener;
  }

  /** Takes a line with its line break. Never throws, never waits. */
  write(line: string): void {
    if (this.#closing.signal.aborted || this.#waiting + line.length > capacity) {
      this.#lose(1, 'its reader is too slow');
      return;
    }
    this.#lines.push(line);
    this.#waiting += line.length;
    this.#writing ??= this.#writeAll().finally(() => {
      this.#writing = undefined;
    });
  }

  /** Resolves when every line is written or lost, after a second at the latest. Later lines are lost. */
  async close(): Promise<void> {
    const { promise: isOver, resolve: giveUp } = Promise.withResolvers<void>();
    const timer = setTimeout(giveUp, closeTimeout);
    await Promise.race([this.#writing, isOver]);
    clearTimeout(timer);
    this.#closing.abort();
  }

  async #writeAll(): Promise<void> {
    await undefined; // lines of the same moment are written together
    while (this.#lines.length > 0) {
      const text = this.#nextBatch();
      const bytes = Buffer.from(this.#isCut ? `\n${text}` : text);
      const { written, error } = await this.#take(bytes);
      if (written > 0) this.#isCut = bytes[written - 1] !== newline;
      if (error !== undefined) this.#lose(linesIn(bytes.subarray(written)), inWords(error));
      else if (this.#lines.length === 0) this.#recover();
    }
  }

  #nextBatch(): string {
    let text = '';
    let line = this.#lines[0];
    let count = 0;
    // A line longer than a batch is written alone.
    while (line !== undefined && (count === 0 || text.length + line.length <= batchSize)) {
      text += line;
      count += 1;
      line = this.#lines[count];
    }
    this.#lines.splice(0, count);
    this.#waiting -= text.length;
    return text;
  }

  /** Writes all of `bytes`, or up to an error. */
  async #take(bytes: Buffer): Promise<{ written: number; error?: NodeJS.ErrnoException }> {
    let written = 0;
    while (written < bytes.length) {
      const result = await writeOnce(this.#descriptor, bytes.subarray(written));
      if (typeof result === 'number') {
        written += result;
        continue;
      }
      const isBusy = result.code === 'EAGAIN' || result.code === 'EBUSY';
      if (!isBusy || this.#closing.signal.aborted) return { written, error: result };
      // An abort ends the wait, and the next attempt is the last.
      const { signal } = this.#closing;
      await delay(retryAfter, undefined, { signal }).catch(() => {});
    }
    return { written };
  }

  #lose(lines: number, why: string): void {
    const isNew = this.#trouble === undefined;
    this.#trouble ??= { why, lostBefore: this.#lost };
    this.#lost += lines;
    if (isNew && !this.#closing.signal.aborted) this.#tell({ kind: 'log-failing', why });
  }

  #recover(): void {
    if (this.#trouble === undefined || this.#closing.signal.aborted) return;
    const { why, lostBefore } = this.#trouble;
    this.#trouble = undefined;
    this.#tell({ kind: 'log-back', why, lines: this.#lost - lostBefore });
  }

  /** Deferred, since a line may be lost while an event is being recorded. */
  #tell(trouble: LogTrouble): void {
    queueMicrotask(() => this.#onTrouble(trouble));
  }
}

const newline = 0x0a;

function linesIn(bytes: Buffer): number {
  return bytes.reduce((lines, byte) => (byte === newline ? lines + 1 : lines), 0);
}

/** Resolves with the number of bytes written, or with the error. */
function writeOnce(descriptor: number, bytes: Buffer): Promise<number | NodeJS.ErrnoException> {
  return new Promise((resolve) => {
    write(descriptor, bytes, (error, written) => resolve(error ?? written));
  });
}
