/**
 * The drainer: every way in which sessions are asked to leave, in every mode.
 *
 *                         ┌─ not graceful ─────────────────────────────────────────────► closed
 *   request ──► its turn ─┼─ opaque ──► idle gap ──────────────────────────────────────► closed
 *                         └─ followed ──► GOAWAY and PING ──► acknowledged, no call open ──► finished
 *   deadline ──► who is left is closed as it is, and counted; or stays
 *
 * GOAWAY cuts nothing, and needs bytes that are plain HTTP/2 and followed (calls.ts). Tried with etcd's Go client,
 * 20 of them with a watch each, one session moved every 100 ms: none of 23,866 puts failed and no event was lost;
 * cutting the same sessions failed 66 and reordered two.
 *
 * Owns all of this, with one timer. Who leaves, and why, is decided in member-drains.ts and rebalancer.ts.
 */
import type { RandomSource } from '../../balancing/policies/policy.ts';
import { attempt } from '../../lib/unexpected.ts';
import { isQuiet } from './activity.ts';
import { isInIdleGap, isUntouched, type Watch } from './idle-gap.ts';
import type { CloseReason, Session } from './session.ts';
import type { Sessions } from './sessions.ts';

/** Why, how, and by when sessions leave: one object for all that leave together, read anew at each step. */
export interface Drain {
  readonly reason: CloseReason;
  /** Are calls in flight spared until the deadline? */
  readonly graceful: boolean;
  /** ms of `performance.now()`. */
  readonly deadline: number;
  /** What becomes of who is left then; who was asked by GOAWAY never stays. */
  readonly atDeadline: 'close' | 'stay';
  /** How long they have, ms: all have had their turn by half of it, or sooner. */
  readonly timeout: number;
  /** Sessions that were closed as they were at the deadline. */
  cut: number;
  /** Told once of each session, when it is asked by GOAWAY or closed. */
  readonly onLeaving?: (session: Session) => void;
}

type Matcher = (drain: Drain, session: Session) => boolean;

/**
 * The pace: a lot each `interval` ms, so that clients do not all come back in the same moment. A lot is a part of
 * `lots`, and `smallest` at least. With a jitter of 1 intervals differ by half: many balancers do not keep step.
 */
type Pace = Readonly<Record<'interval' | 'lots' | 'smallest' | 'jitter', number>>;
/** Of those that are closed at once, or asked by GOAWAY: within half a second, a handful at once. */
const quick: Pace = { interval: 20, lots: 25, smallest: 50, jitter: 1 };
/** Of those whose idle gap is waited for: within three seconds. */
const steady: Pace = { interval: 100, lots: 30, smallest: 5, jitter: 0 };
/** Between two samples of a session whose idle gap is waited for, ms. */
const gapInterval = 5;
/** For this long, ms, what a member says adds up to one answer: what a watch brings has no end. */
const watchTime = 1_000;
/** Between two looks at a session that was asked by GOAWAY, ms. */
const askedInterval = 20;
/** A client that has not acknowledged by then, ms, never will; it may go when it is quiet. */
const patience = 5_000;
/** For the client to end its side of the connection, ms. */
const closingTime = 1_000;

interface Leaving {
  drain: Drain;
  /** When it is looked at again, its turn at first, ms of `performance.now()`. */
  nextAt: number;
  /** Where its idle gap is waited for. */
  watch?: Watch;
}

export class Drainer {
  readonly #leaving = new Map<Session, Leaving>();
  readonly #random: RandomSource;
  #timer: NodeJS.Timeout | undefined;

  constructor(sessions: Pick<Sessions, 'onEnd'>, random: RandomSource = Math.random) {
    this.#random = random;
    sessions.onEnd((session) => {
      this.#leaving.delete(session);
      if (this.#leaving.size === 0) clearTimeout(this.#timer);
    });
  }

  /**
   * Lets sessions leave, the first lot now: those first that wait longest for an answer, or, where calls are
   * spared, those whose clients have asked nothing for longest. Who leaves already does so under the more urgent
   * drain.
   */
  request(sessions: Iterable<Session>, drain: Drain): void {
    const now = performance.now();
    const rank = ({ activity }: Session): number =>
      drain.graceful ? activity.askedAt : (activity.waitingSince ?? Number.MAX_VALUE);
    const joining = [...sessions].filter((session) => this.#mayJoin(session, drain));
    joining.sort((a, b) => rank(a) - rank(b));
    const isSteady = ({ state, calls }: Session): boolean =>
      drain.graceful && state.kind === 'open' && calls?.state !== 'followed';
    const later = joining.filter(isSteady);
    const soon = joining.filter((session) => !isSteady(session));
    this.#enqueue(soon, quick, drain, now);
    this.#enqueue(later, steady, drain, now);
    this.#tick();
  }

  /** Closes sessions as they are. Returns how many that cuts: those that were not ending already. */
  close(sessions: Iterable<Session>, reason: CloseReason): number {
    let cut = 0;
    for (const session of sessions) {
      this.#leaving.delete(session);
      attempt(() => {
        if (session.close(reason)) cut += 1;
      });
    }
    return cut;
  }

  /** Leaves those of the sessions where they are that match, and were not asked by GOAWAY. */
  cancel(matches: Matcher): void {
    for (const [session, leaving] of this.#leaving) {
      if (matches(leaving.drain, session)) this.#letStay(session, leaving);
    }
    this.#tick();
  }

  /** Does it leave? */
  has(session: Session): boolean {
    return this.#leaving.has(session);
  }

  /** Sessions that leave, and match. */
  count(matches: Matcher): number {
    let count = 0;
    for (const [session, { drain }] of this.#leaving) if (matches(drain, session)) count += 1;
    return count;
  }

  /** Stops the timer; what is open stays so. */
  stop(): void {
    this.#leaving.clear();
    clearTimeout(this.#timer);
  }

  #mayJoin(session: Session, drain: Drain): boolean {
    if (session.state.kind === 'closed') return false;
    const current = this.#leaving.get(session)?.drain;
    if (current === undefined) return true;
    if (current === drain || !current.graceful) return false;
    const isFirmer = current.atDeadline === 'stay' && drain.atDeadline === 'close';
    return !drain.graceful || isFirmer || drain.deadline < current.deadline;
  }

  #enqueue(sessions: readonly Session[], pace: Pace, drain: Drain, now: number): void {
    const { interval, smallest, jitter } = pace;
    const lots = Math.max(1, Math.min(pace.lots, Math.floor(drain.timeout / 2 / interval)));
    const lot = Math.max(smallest, Math.ceil(sessions.length / lots));
    let nextAt = now;
    for (const [index, session] of sessions.entries()) {
      const isNextLot = index > 0 && index % lot === 0;
      if (isNextLot) nextAt += interval * (1 + jitter * (this.#random() - 0.5));
      this.#leaving.set(session, { drain, nextAt });
    }
  }

  #tick(): void {
    clearTimeout(this.#timer);
    const now = performance.now();
    const idle: Session[] = [];
    let next = Number.POSITIVE_INFINITY;
    for (const [session, leaving] of this.#leaving) {
      const isOver = now >= leaving.drain.deadline;
      if (isOver || now >= leaving.nextAt) {
        attempt(() => {
          if (isOver) this.#end(session, leaving);
          else if (this.#step(session, leaving, now)) idle.push(session);
        });
        if (!this.#leaving.has(session)) continue;
      }
      next = Math.min(next, leaving.nextAt, leaving.drain.deadline);
    }
    // Once the sockets have been read again: a question that had arrived already, unread, keeps its session.
    if (idle.length > 0) setImmediate(() => this.#closeIdle(idle));
    if (next === Number.POSITIVE_INFINITY) return;
    this.#timer = setTimeout(() => this.#tick(), Math.max(1, next - now));
  }

  /** What comes next for a session whose turn it is. Returns whether it is in an idle gap. */
  #step(session: Session, leaving: Leaving, now: number): boolean {
    const { state, calls, relay } = session;
    const { drain } = leaving;
    leaving.nextAt = now + askedInterval;
    if (!drain.graceful) this.#close(session, drain);
    else if (state.kind === 'finishing') {
      // Nothing is in flight: the client only has not ended its side.
      if (now - state.since >= closingTime) this.#close(session, drain);
    } else if (state.kind === 'asked') {
      const mayFinish = hasUnderstood(session, state.since, now) && relay.unsent() === 0;
      if (mayFinish && !relay.catchUp()) session.finish();
    } else if (calls?.state === 'followed') {
      session.askToLeave(drain.reason);
      drain.onLeaving?.(session);
    } else {
      leaving.nextAt = now + gapInterval;
      session.sample(now);
      const { watch } = leaving;
      const isFresh = watch !== undefined && now - watch.since < watchTime;
      leaving.watch = isFresh ? watch : { since: now, member: session.bytes.member };
      return isInIdleGap(session, leaving.watch, now);
    }
    return false;
  }

  #closeIdle(idle: readonly Session[]): void {
    for (const session of idle) {
      const drain = this.#leaving.get(session)?.drain;
      if (drain === undefined || session.state.kind !== 'open') continue;
      attempt(() => {
        if (isUntouched(session)) this.#close(session, drain);
      });
    }
  }

  #close(session: Session, drain: Drain): void {
    const isTold = session.state.kind !== 'open';
    this.close([session], drain.reason);
    if (!isTold) drain.onLeaving?.(session);
  }

  /** The deadline has come. */
  #end(session: Session, leaving: Leaving): void {
    const { drain } = leaving;
    if (drain.atDeadline === 'stay') this.#letStay(session, leaving);
    else drain.cut += this.close([session], drain.reason);
  }

  #letStay(session: Session, leaving: Leaving): void {
    // Who was asked by GOAWAY asks nothing more here: it still leaves, in its own time.
    const unhurried = {
      graceful: true,
      deadline: Number.POSITIVE_INFINITY,
      atDeadline: 'stay',
    } as const;
    if (session.state.kind === 'open') this.#leaving.delete(session);
    else leaving.drain = { ...leaving.drain, ...unhurried };
  }
}

/** Will the client ask nothing more here, and does it wait for nothing? */
function hasUnderstood(session: Session, askedAt: number, now: number): boolean {
  const { calls, activity, bytes } = session;
  if (calls?.goAway === 'acknowledged') return !calls.isBusy;
  // Not HTTP/2 any more, or a client that acknowledges nothing: as a session whose bytes are opaque.
  const isHopeless = calls?.state !== 'followed' || now - askedAt >= patience;
  if (!isHopeless || calls?.isBusy === true) return false;
  session.sample(now);
  return isQuiet(activity, bytes, now);
}
