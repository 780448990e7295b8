/**
 * Slow start: a member that comes back after a failure gets its share of new connections little by
 * little, since its caches are cold and a thousand clients may be waiting.
 *
 * Writes the weights of the members.
 */
import type { LiveSettings } from '../config/live-settings.ts';
import type { Settings } from '../config/settings.ts';
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
  readonly #members: () => readonly Member[];
  readonly #settings: LiveSettings<Pick<Settings, 'slowStart'>>;

  /** @param members those there are. */
  constructor(
    members: () => readonly Member[],
    settings: LiveSettings<Pick<Settings, 'slowStart'>>,
  ) {
    this.#members = members;
    this.#settings = settings;
  }

  /** A member is back at `now`, ms of `performance.now()`. */
  begin(member: Member, now: number): void {
    member.startsSlowlySince = now;
    this.tick(now);
  }

  /** Those that have not had their full weight yet. */
  get underWay(): readonly Member[] {
    return this.#members().filter(({ startsSlowlySince }) => startsSlowlySince !== undefined);
  }

  /** Brings the weights up to `now`. */
  tick(now: number): void {
    for (const member of this.underWay) {
      const elapsed = now - (member.startsSlowlySince ?? now);
      const part = slowStartWeight(elapsed, this.#settings.current.slowStart);
      member.weight = part * member.share;
      if (part >= 1) member.startsSlowlySince = undefined;
    }
  }
}
