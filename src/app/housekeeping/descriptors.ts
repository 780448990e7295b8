/**
 * File descriptors: a session takes two, and when none is left the system turns clients away
 * without telling us. So what is left is reckoned from time to time, and told before and after. What the observe and the
 * admin listener may take is set aside, so that traffic never finds less than was reckoned.
 */
import { openSync, readSync } from 'node:fs';
import { Condition } from '../../lib/condition.ts';
import { mostConnections } from '../../management/server.ts';
import type { Event } from '../../observe/events/event.ts';

/** What the process needs besides sessions: listeners, checks, log, and a margin; and what visitors may take. */
const others = 50 + mostConnections.observe + mostConnections.admin;
/** Between two looks, ms. */
const interval = 1_000;

export class Descriptors {
  readonly #shortage: Condition<Event>;
  readonly #readLimit: () => number;
  #lookedAt = Number.NEGATIVE_INFINITY;

  /** @param readLimit gives the soft limit of this process; replaced in tests. */
  constructor(record: (event: Event) => void, readLimit = limitReader()) {
    this.#shortage = new Condition(record);
    this.#readLimit = readLimit;
  }

  /**
   * To be called now and then.
   *
   * @param connections clients at this moment, waiting ones included.
   * @param now ms of `performance.now()`.
   */
  tick(connections: number, now: number): void {
    if (now - this.#lookedAt < interval) return;
    this.#lookedAt = now;
    const limit = this.#readLimit();
    const short = connections * 2 + others > limit;
    const kind = short ? 'descriptors-short' : 'descriptors-back';
    this.#shortage.set(short, { kind, connections, limit });
  }
}

/**
 * Reads the soft limit of open files (`ulimit -n`), which may change while we run; infinite where the
 * system does not say. The file is opened now, since later there may be no descriptor for it.
 */
function limitReader(): () => number {
  const text = Buffer.alloc(4096);
  let file: number;
  try {
    file = openSync('/proc/self/limits', 'r');
  } catch {
    return () => Number.POSITIVE_INFINITY;
  }
  return () => {
    const length = readSync(file, text, 0, text.length, 0);
    const line = /^Max open files\s+(\d+)/m.exec(text.toString('utf8', 0, length));
    return line === null ? Number.POSITIVE_INFINITY : Number(line[1]);
  };
}
