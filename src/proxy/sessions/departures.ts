/**
 * Departures: the sessions of a member that is no longer one, or that an operator has drained, or of all
 * members when this process stops. Their clients are asked to leave where that can be done; the others are
 * closed a few at a time, those first that are quiet, each when no call is in flight as far as can be seen.
 * What is left of a member when its time is over is closed as it is, and counted.
 *
 * Owns the order, the pace, and the deadline of a member; that of a stop is its caller's. That a member has
 * left, or is to be drained, is decided elsewhere.
 */
import { setImmediate as afterPoll } from 'node:timers/promises';
import type { Member } from '../../members/member.ts';
import { isQuiet } from './activity.ts';
import type { Farewells } from './farewells.ts';
import { isStill, nextRest } from './idle-gap.ts';
import type { Session, Sessions } from './sessions.ts';

/** Between two lots, ms. */
const beat = 100;
/** Everybody has been asked to leave after this many lots, which is three seconds, or sooner. */
const lots = 30;
/** A lot is at least this large. */
const smallestLot = 5;
/** A client that has asked nothing for this long, ms, is unlikely to ask in the next moment. */
const calmAfter = 1_000;

/** Why the sessions of a member must leave. */
type DepartureReason = 'removed' | 'drained' | 'shutdown';

/** What is to be told when no session is left and none can come. */
export interface Departed {
  readonly reason: 'removed' | 'drained';
  /** Sessions there were at the begin. */
  readonly sessions: number;
  /** Sessions that were closed as they were when their time was over. */
  readonly cut: number;
}

interface Departure {
  reason: DepartureReason;
  readonly sessions: number;
  /** How long its sessions have, ms, and until when, ms of `performance.now()`. */
  timeout: number;
  until: number;
  readonly awaited: Set<Session>;
  /** Sessions that were closed as they were when their time was over. */
  cut: number;
  timer?: NodeJS.Timeout;
}

export class Departures {
  readonly #sessions: Pick<Sessions, 'all' | 'openOn' | 'closeAllOf'>;
  readonly #farewells: Pick<Farewells, 'begin' | 'has'>;
  readonly #onGone: (member: Member, departed: Departed) => void;
  readonly #underWay = new Map<Member, Departure>();
  #shutdown: NodeJS.Timeout | undefined;

  /** @param onGone is told when no session is left and none can come. */
  constructor(
    sessions: Pick<Sessions, 'all' | 'openOn' | 'closeAllOf'>,
    farewells: Pick<Farewells, 'begin' | 'has'>,
    onGone: (member: Member, departed: Departed) => void,
  ) {
    this.#sessions = sessions;
    this.#farewells = farewells;
    this.#onGone = onGone;
  }

  /** Members that are none any more, and still have sessions. */
  get leaving(): readonly Member[] {
    return [...this.#underWay].flatMap(([member, { reason }]) =>
      reason === 'removed' ? [member] : [],
    );
  }

  /** Until when the sessions of a member have time, ms of `performance.now()`; undefined if none leave. */
  deadlineOf(member: Member): number | undefined {
    const until = this.#underWay.get(member)?.until;
    return until === Infinity ? undefined : until;
  }

  /**
   * Lets the sessions of a member leave, or changes why and by when they must.
   *
   * @param timeout after which what is left is closed, ms; 0 for at once.
   */
  begin(member: Member, timeout: number, reason: Departed['reason']): void {
    const until = performance.now() + timeout;
    const known = this.#underWay.get(member);
    if (known !== undefined) {
      Object.assign(known, { reason, timeout, until });
      return;
    }
    this.#start(member, timeout, until, reason);
  }

  /**
   * Lets the sessions of all members leave, those that open meanwhile included, until `stop`. What is open
   * then, and how many those are, is for the caller to see.
   *
   * @param timeout how long that will be, ms, for the pace.
   */
  beginAll(timeout: number): void {
    for (const { member } of this.#sessions.all()) {
      // Who leaves already has a deadline of its own.
      if (!this.#underWay.has(member)) this.#start(member, timeout, Infinity, 'shutdown');
    }
    this.#shutdown = setTimeout(() => this.beginAll(timeout), beat);
  }

  /** Leaves the sessions where they are, but for those whose clients were asked to leave already. */
  cancel(member: Member): void {
    clearTimeout(this.#underWay.get(member)?.timer);
    this.#underWay.delete(member);
  }

  /** Stops the timers; what is open stays so. */
  stop(): void {
    clearTimeout(this.#shutdown);
    for (const { timer } of this.#underWay.values()) clearTimeout(timer);
    this.#underWay.clear();
  }

  #start(member: Member, timeout: number, until: number, reason: DepartureReason): void {
    const sessions = this.#sessions.openOn(member).size;
    const departure: Departure = { reason, sessions, timeout, until, awaited: new Set(), cut: 0 };
    this.#underWay.set(member, departure);
    // All of them have had their turn by half of the time.
    const count = Math.max(1, Math.min(lots, Math.floor(timeout / 2 / beat)));
    this.#beat(member, departure, Math.max(smallestLot, Math.ceil(sessions / count)));
  }

  #beat(member: Member, departure: Departure, lot: number): void {
    const isOver = performance.now() >= departure.until;
    if (isOver) {
      const closed = this.#sessions.closeAllOf(member, departure.reason);
      // Who was given no time has not outstayed it.
      if (departure.timeout > 0) departure.cut += closed;
    }
    const open = [...this.#sessions.openOn(member)];
    // The load counts dials too: one that was under way may still become a session.
    if (member.load === 0 && open.length === 0) {
      this.#underWay.delete(member);
      const { reason, sessions, cut } = departure;
      if (reason !== 'shutdown') this.#onGone(member, { reason, sessions, cut });
      return;
    }
    departure.timer = setTimeout(() => this.#beat(member, departure, lot), beat);
    for (const session of open) this.#farewells.begin(session, departure.reason);
    const waiting = open
      .filter((each) => !each.closing && !departure.awaited.has(each) && !this.#farewells.has(each))
      .sort((a, b) => a.activity.askedAt - b.activity.askedAt);
    for (const session of waiting.slice(0, lot)) void this.#closeAtRest(session, departure);
  }

  async #closeAtRest(session: Session, departure: Departure): Promise<void> {
    const { awaited } = departure;
    awaited.add(session);
    const mayClose = isCalm(session)
      ? await afterPoll().then(() => isStill(session))
      : (await nextRest(session)) && !session.catchUp();
    awaited.delete(session);
    const isOff = this.#underWay.get(session.member) !== departure;
    if (mayClose && !isOff) session.close(departure.reason);
  }
}

function isCalm({ activity, bytes }: Session): boolean {
  const now = performance.now();
  return now - activity.askedAt >= calmAfter && isQuiet(activity, bytes, now);
}
