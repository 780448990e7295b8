/** Throttles: frequent events are recorded together. Owns when that happens, and the counts until then. */
import type { Member } from '../../members/member.ts';
import type { Event } from './event.ts';

/** The least time between two events with the same reason, ms. */
const interval = 10_000;
/** Moves are recorded together once none has followed for this long, ms. */
const movesEnd = 1_000;

/** Calls `tell` at once for a new reason, then at most every 10 s per reason, with the count since the last call. */
export function throttled<Reason>(
  tell: (reason: Reason, count: number) => void,
): (reason: Reason) => void {
  const untold = new Map<Reason, number>();
  const toldAt = new Map<Reason, number>();
  return (reason) => {
    const count = (untold.get(reason) ?? 0) + 1;
    const now = performance.now();
    const isDue = now - (toldAt.get(reason) ?? Number.NEGATIVE_INFINITY) >= interval;
    untold.set(reason, isDue ? 0 : count);
    if (!isDue) return;
    toldAt.set(reason, now);
    tell(reason, count);
  };
}

/** Records the moved sessions of a rebalance as one event, when it is over. */
export class MoveThrottle {
  readonly #members: () => readonly Member[];
  readonly #record: (event: Event) => void;
  readonly #from = new Set<Member>();
  #sessions = 0;
  #lastAt = 0;

  /** @param members the current members. */
  constructor(members: () => readonly Member[], record: (event: Event) => void) {
    this.#members = members;
    this.#record = record;
  }

  /** A session was moved from a member at `now`, ms of `performance.now()`. */
  moved(member: Member, now: number): void {
    this.#from.add(member);
    this.#sessions += 1;
    this.#lastAt = now;
  }

  /** To be called regularly: records the moves if none has followed by `now`. */
  tick(now: number): void {
    if (this.#sessions === 0 || now - this.#lastAt < movesEnd) return;
    this.#record({
      kind: 'sessions-moved',
      sessions: this.#sessions,
      from: [...this.#from].map(({ name }) => name),
      loads: this.#members().map(({ name: member, load }) => ({ member, load })),
    });
    this.#from.clear();
    this.#sessions = 0;
  }
}
