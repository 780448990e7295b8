/**
 * Slow start: a recovered member gets its share of new connections gradually, since its caches are cold and a
 * thousand clients may be waiting.
 *
 * Writes the members' weights.
 */
import type { LiveSettings } from '../config/live-settings.ts';
import type { Settings } from '../config/settings.ts';
import type { Member } from '../members/member.ts';

/** The part of its weight that a member starts with. */
const least = 0.1;

/**
 * The part of its weight that a member has `elapsed` ms after its recovery.
 *
 * @param duration until it has its full weight, ms; 0 for at once.
 */
export function slowStartWeight(elapsed: number, duration: number): number {
  if (elapsed >= duration) return 1;
  return Math.max(least, elapsed / duration);
}

export class SlowStart {
  readonly #members: () => readonly Member[];
  readonly #settings: LiveSettings<Pick<Settings, 'slowStart'>>;

  /** @param members returns the current members. */
  constructor(
    members: () => readonly Member[],
    settings: LiveSettings<Pick<Settings, 'slowStart'>>,
  ) {
    this.#members = members;
    this.#settings = settings;
  }

  /** Begins the slow start of a member that has recovered at `now`, ms of `performance.now()`. */
  begin(member: Member, now: number): void {
    member.startsSlowlySince = now;
    this.tick(now);
  }

  /** Members without their full weight. */
  get underWay(): readonly Member[] {
    return this.#members().filter(({ startsSlowlySince }) => startsSlowlySince !== undefined);
  }

  /** Updates the weights at `now`. */
  tick(now: number): void {
    for (const member of this.underWay) {
      const elapsed = now - (member.startsSlowlySince ?? now);
      const part = slowStartWeight(elapsed, this.#settings.current.slowStart);
      member.weight = part * member.share;
      if (part >= 1) member.startsSlowlySince = undefined;
    }
  }
}
