/**
 * Slow start: a member that comes back after a failure gets its share of new connections little by
 * little, since its caches are cold and a thousand clients may be waiting.
 *
 * Owns the weights of the members.
 */
import type { Member } from '../members/member.ts';

/** The part that a member starts with. */
const least = 0.1;

/**
 * The part of its weight that a member has which has been back for `elapsed` ms.
 *
 * @param duration how long it takes until it has all of it, ms; 0 for at once.
 */
export function slowStartWeight(elapsed: number, duration: number): number {
  if (elapsed >= duration) return 1;
  return Math.max(least, elapsed / duration);
}

export class SlowStart {
  readonly #duration: () => number;
  readonly #startedAt = new Map<Member, number>();

  /** @param duration until a member has its full weight, ms; 0 for at once. */
  constructor(duration: () => number) {
    this.#duration = duration;
  }

  /** A member is back at `now`, ms of `performance.now()`. */
  begin(member: Member, now: number): void {
    this.#startedAt.set(member, now);
    this.beat(now);
  }

  /** Those that have not had their full weight yet. */
  get underWay(): readonly Member[] {
    return [...this.#startedAt.keys()];
  }

  /** A member has left. */
  forget(member: Member): void {
    this.#startedAt.delete(member);
  }

  /** Brings the weights up to `now`. */
  beat(now: number): void {
    for (const [member, startedAt] of this.#startedAt) {
      const part = slowStartWeight(now - startedAt, this.#duration());
      member.weight = part * (member.share ?? 1);
      if (part >= 1) this.#startedAt.delete(member);
    }
  }
}
