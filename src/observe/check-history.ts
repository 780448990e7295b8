/** The last checks of all members, as event-stream.ts and src/page/ show them. Each member keeps its own. */
import type { Member } from '../members/member.ts';

/** A finished check. */
export interface PastCheck {
  /** When it finished, ms since the epoch. */
  readonly at: number;
  /** How long it took, ms. */
  readonly duration: number;
  readonly ok: boolean;
}

/** By name of the member, oldest first. Members without checks are omitted. */
export type PastChecks = Readonly<Record<string, readonly PastCheck[]>>;

export class CheckHistory {
  readonly #members: () => readonly Member[];
  /** The last time of `takeNew`, ms of `performance.now()`. */
  #takenAt = Number.NEGATIVE_INFINITY;

  /** @param members the current members. */
  constructor(members: () => readonly Member[]) {
    this.#members = members;
  }

  /** All kept checks. */
  get all(): PastChecks {
    return this.#since(Number.NEGATIVE_INFINITY);
  }

  /** The checks since the last call. */
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
