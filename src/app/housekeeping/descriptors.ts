/**
 * File descriptors: a session takes two, and when none is left the system turns clients away
 * without telling this process. So the rest is computed regularly, and events report when it is short and when it
 * suffices again. The descriptors of the observe and admin listeners are reserved, so that traffic finds what was computed.
 */
import { openSync, readSync } from 'node:fs';
import { Condition } from '../../lib/condition.ts';
import { mostConnections } from '../../management/server.ts';
import type { Event } from '../../observe/events/event.ts';

/** Descriptors besides those of sessions: listeners, probes, log, a margin, and visitors of the admin socket. */
const others = 50 + mostConnections.admin;
/** Between two computations, ms. */
const interval = 1_000;

export class Descriptors {
  readonly #shortage: Condition<Event>;
  readonly #readLimit: () => number;
  readonly #others: number;
  #checkedAt = Number.NEGATIVE_INFINITY;

  /**
   * @param observers how many addresses the observe listener has.
   * @param readLimit gives the soft limit of this process; replaced in tests.
   */
  constructor(record: (event: Event) => void, observers: number, readLimit = limitReader()) {
    this.#shortage = new Condition(record);
    this.#others = others + observers * mostConnections.observe;
    this.#readLimit = readLimit;
  }

  /**
   * To be called regularly.
   *
   * @param connections clients at this moment, waiting ones included.
   * @param now ms of `performance.now()`.
   */
  tick(connections: number, now: number): void {
    if (now - this.#checkedAt < interval) return;
    this.#checkedAt = now;
    const limit = this.#readLimit();
    const short = connections * 2 + this.#others > limit;
    const kind = short ? 'descriptors-short' : 'descriptors-back';
    this.#shortage.set(short, { kind, connections, limit });
  }
}

/**
 * Reads the soft limit of open files (`ulimit -n`), which may change at run time; infinite where the
 * system does not tell. The file is opened now, since later there may be no descriptor for it.
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
