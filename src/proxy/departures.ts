/**
 * Departures: the sessions of a member that is no longer one. Their clients are asked to leave where that
 * can be done; the others are closed a few at a time, each when no call is in flight as far as can be
 * seen, and what is left when the time is over is closed as it is.
 *
 * Owns the order and the pace. That a member has left is decided elsewhere.
 */
import { setImmediate as afterPoll } from 'node:timers/promises';
import type { Candidate } from '../balance/snapshot.ts';
import { isQuiet } from './activity.ts';
import type { Farewells } from './farewells.ts';
import { isStill, nextRest } from './rest.ts';
import type { Session, Sessions } from './sessions.ts';

/** Between two lots, ms. */
const beat = 100;
/** Everybody has been asked to leave after this many lots, which is three seconds. */
const lots = 30;
/** A lot is at least this large. */
const smallestLot = 5;
/** A client that has asked nothing for this long, ms, is unlikely to ask in the next moment. */
const calmAfter = 1_000;

interface Departure {
  /** How long its sessions have, ms, and until when, ms of `performance.now()`. */
  readonly timeout: number;
  readonly until: number;
  readonly awaited: Set<Session>;
  /** Sessions that were closed as they were when their time was over. */
  cut: number;
  timer?: NodeJS.Timeout;
}

export class Departures {
  readonly #sessions: Pick<Sessions, 'openOn' | 'closeAllOf'>;
  readonly #farewells: Pick<Farewells, 'begin' | 'has'>;
  readonly #onGone: (candidate: Candidate, cut: number) => void;
  readonly #underWay = new Map<Candidate, Departure>();

  /** @param onGone is told when no session is left and none can come, and how many were never quiet. */
  constructor(
    sessions: Pick<Sessions, 'openOn' | 'closeAllOf'>,
    farewells: Pick<Farewells, 'begin' | 'has'>,
    onGone: (candidate: Candidate, cut: number) => void,
  ) {
    this.#sessions = sessions;
    this.#farewells = farewells;
    this.#onGone = onGone;
  }

  /** Members that have left, and still have sessions. */
  get leaving(): readonly Candidate[] {
    return [...this.#underWay.keys()];
  }

  /** @param timeout after which what is left is closed, ms; 0 for at once. */
  begin(candidate: Candidate, timeout: number): void {
    if (this.#underWay.has(candidate)) return;
    const departure: Departure = {
      timeout,
      until: performance.now() + timeout,
      awaited: new Set(),
      cut: 0,
    };
    this.#underWay.set(candidate, departure);
    const lot = Math.max(smallestLot, Math.ceil(this.#sessions.openOn(candidate).size / lots));
    this.#beat(candidate, departure, lot);
  }

  /** Stops the timers; what is open stays so. */
  stop(): void {
    for (const { timer } of this.#underWay.values()) clearTimeout(timer);
    this.#underWay.clear();
  }

  #beat(candidate: Candidate, departure: Departure, lot: number): void {
    const isOver = performance.now() >= departure.until;
    if (isOver) {
      const closed = this.#sessions.closeAllOf(candidate, 'removed');
      // Who was given no time has not outstayed it.
      if (departure.timeout > 0) departure.cut += closed;
    }
    const open = [...this.#sessions.openOn(candidate)];
    // The load counts dials too: one that was under way may still become a session.
    if (candidate.load === 0 && open.length === 0) {
      this.#underWay.delete(candidate);
      this.#onGone(candidate, departure.cut);
      return;
    }
    for (const session of open)
      this.#farewells.begin(session, 'removed', departure.until - performance.now());
    const waiting = open.filter(
      (each) => !each.closing && !departure.awaited.has(each) && !this.#farewells.has(each),
    );
    for (const session of waiting.slice(0, lot)) void this.#closeAtRest(session, departure);
    departure.timer = setTimeout(() => this.#beat(candidate, departure, lot), beat);
  }

  async #closeAtRest(session: Session, { awaited }: Departure): Promise<void> {
    awaited.add(session);
    const mayClose = isCalm(session)
      ? await afterPoll().then(() => isStill(session))
      : (await nextRest(session)) && !session.catchUp();
    awaited.delete(session);
    if (mayClose) session.close('removed');
  }
}

function isCalm({ activity, bytes }: Session): boolean {
  const now = performance.now();
  return now - activity.askedAt >= calmAfter && isQuiet(activity, bytes, now);
}
