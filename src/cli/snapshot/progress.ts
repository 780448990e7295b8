/** One line of progress: on a terminal it is written over, elsewhere it is left out. */
import { formatBytes } from '../../lib/text/quantities.ts';
import type { Progress } from '../../snapshot/take.ts';

/** Between two lines, ms. */
const interval = 500;

export class ProgressLine {
  readonly #output: NodeJS.WriteStream;
  #shownAt = Number.NEGATIVE_INFINITY;
  /** When the attempt with this member began, and what it had then. */
  #began: { readonly from: string; readonly at: number } | undefined;
  #isOpen = false;

  constructor(output: NodeJS.WriteStream) {
    this.#output = output;
  }

  /** `cp2: 120 MB of 500 MB, 80.5 MB/s` */
  show({ from, received, size }: Progress): void {
    if (!this.#output.isTTY) return;
    const now = performance.now();
    if (this.#began?.from !== from) this.#began = { from, at: now };
    if (now - this.#shownAt < interval) return;
    this.#shownAt = now;
    const seconds = (now - this.#began.at) / 1_000;
    const rate = seconds === 0 ? '' : `, ${formatBytes(received / seconds, true)}/s`;
    const of = size === undefined ? '' : ` of ${formatBytes(size)}`;
    this.#output.write(`\r\x1b[K${from}: ${formatBytes(received, true)}${of}${rate}`);
    this.#isOpen = true;
  }

  /** A sentence, on a line of its own. */
  say(sentence: string): void {
    this.end();
    this.#output.write(`${sentence}\n`);
  }

  /** Takes the line away. */
  end(): void {
    if (this.#isOpen) this.#output.write('\r\x1b[K');
    this.#isOpen = false;
  }
}
