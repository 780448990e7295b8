/**
 * Collects garbage in quiet moments. Relaying allocates so little that V8 hardly ever sees a reason
 * to; what thousands of sessions leave behind when they come and go would stay resident for hours.
 */
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';

/** So many sessions opened and ended leave some 10 MB. */
const worthwhile = 1_000;
/** None may have come or gone for this long, ms: clients on their way back must not wait for us. */
const rest = 1_500;

export class Garbage {
  readonly #collect: () => void;
  #collectedAt = 0;
  #turnover = 0;
  #changedAt = 0;

  /** @param collect stops this process for some 30 ms. */
  constructor(collect = collector()) {
    this.#collect = collect;
  }

  /**
   * To be called now and then.
   *
   * @param turnover sessions opened and ended since the start.
   * @param quiet do no sessions speak that would notice a stop?
   * @param now ms of `performance.now()`.
   */
  beat(turnover: number, quiet: boolean, now: number): void {
    if (turnover !== this.#turnover) this.#changedAt = now;
    this.#turnover = turnover;
    if (!quiet || now - this.#changedAt < rest || turnover - this.#collectedAt < worthwhile) return;
    this.#collectedAt = turnover;
    this.#collect();
  }
}

/** V8's own, which Node hands out only with a flag; one set later counts for new contexts. */
function collector(): () => void {
  setFlagsFromString('--expose-gc');
  const gc = runInNewContext('gc') as (options: object) => void;
  return () => gc({ type: 'major', flavor: 'last-resort' });
}
