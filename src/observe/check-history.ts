/**
 * The last checks of all members, as they are shown (event-stream.ts, src/page/). Each member keeps its own.
 */
import type { Member } from '../members/member.ts';

/** A finished check. */
export interface PastCheck {
  /** When it finished, ms since the epoch. */
  readonly at: number;
  /** How long it took, ms. */
  readonly duration: number;
  readonly ok: boolean;
}

/** By the name of the member, oldest first; members without any are left out. */
export type PastChecks = Readonly<Record<string, readonly PastCheck[]>>;

export class CheckHistory {
  readonly #members: () => readonly Member[];
  /** By `performance.now()`, ms. */
  #takenAt = Number.NEGATIVE_INFINITY;

  /** @param members those there are. */
  constructor(members: () => readonly Member[]) {
    this.#members = members;
  }

  /** All that is kept. */
  get all(): PastChecks {
    return this.#since(Number.NEGATIVE_INFINITY);
  }

  /** Those that were made since this was asked last. */
  takeNew(): PastChecks {
    const since = this.#takenAt;
    this.#takenAt = performance.now();
    return this.#since(since);
  }

  #since(time: number): PastChecks {
    const lists = this.#members().map(({ name, checks }) => {
      const asked = checks.filter(({ finishedAt }) => finishedAt > time);
      return [name, asked.map(toPastCheck)] as const;
    });
    return Object.fromEntries(lists.filter(([, checks]) => checks.length > 0));
  }
}

function toPastCheck({ at, duration, ok }: Member['checks'][number]): PastCheck {
  return { at, duration: Math.round(duration * 10) / 10, ok };
}
