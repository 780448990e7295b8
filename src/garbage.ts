/**
 * Collects garbage in quiet moments. Relaying allocates so little that V8 hardly ever sees a reason
 * to; what thousands of sessions leave behind when they come and go would stay resident for hours.
 */
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';

/** So many sessions opened and ended leave some 10 MB. */
const worthwhile = 1_000;

export class Garbage {
  readonly #collect: () => void;
  #turnover = 0;

  /** @param collect stops this process for some 30 ms. */
  constructor(collect = collector()) {
    this.#collect = collect;
  }

  /**
   * To be called now and then.
   *
   * @param turnover sessions opened and ended since the start.
   * @param quiet is nobody served who would notice a stop?
   */
  beat(turnover: number, quiet: boolean): void {
    if (!quiet || turnover - this.#turnover < worthwhile) return;
    this.#turnover = turnover;
    this.#collect();
  }
}

/** V8's own, which Node hands out only with a flag; one set later counts for new contexts. */
function collector(): () => void {
  setFlagsFromString('--expose-gc');
  const gc = runInNewContext('gc') as (options: object) => void;
  return () => gc({ type: 'major', flavor: 'last-resort' });
}
