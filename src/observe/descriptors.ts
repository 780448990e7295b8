/**
 * File descriptors: a session takes two, and when none is left the system turns clients away
 * without telling us. So what is left is reckoned from time to time, and told before and after.
 */
import { readFileSync } from 'node:fs';
import { descriptorsBack, descriptorsShort, type EventBody } from './events.ts';

/** What the process needs besides sessions: listeners, checks, log, scrapes, and a margin. */
const others = 50;
/** Between two looks, ms. */
const interval = 1_000;

export class Descriptors {
  readonly #record: (body: EventBody) => void;
  readonly #readLimit: () => number;
  #lookedAt = Number.NEGATIVE_INFINITY;
  #short = false;

  /** @param readLimit the soft limit of this process; replaced in tests. */
  constructor(record: (body: EventBody) => void, readLimit = softLimit) {
    this.#record = record;
    this.#readLimit = readLimit;
  }

  /**
   * To be called now and then.
   *
   * @param connections clients at this moment, waiting ones included.
   * @param now ms of `performance.now()`.
   */
  beat(connections: number, now: number): void {
    if (now - this.#lookedAt < interval) return;
    this.#lookedAt = now;
    const limit = this.#readLimit();
    const short = connections * 2 + others > limit;
    if (short === this.#short) return;
    this.#short = short;
    this.#record(short ? descriptorsShort(connections, limit) : descriptorsBack(limit));
  }
}

/** The soft limit of open files (`ulimit -n`); infinite where the system does not say. */
function softLimit(): number {
  try {
    const line = /^Max open files\s+(\d+)/m.exec(readFileSync('/proc/self/limits', 'utf8'));
    return line === null ? Number.POSITIVE_INFINITY : Number(line[1]);
  } catch {
    return Number.POSITIVE_INFINITY;
  }
}
