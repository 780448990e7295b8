/**
 * The drainer implements every way in which sessions are made to leave.
 *
 *                         ┌─ not graceful ─────────────────────────────────────────────► closed
 *   request ──► its turn ─┼─ opaque ──► idle gap ──────────────────────────────────────► closed
 *                         └─ followed ──► GOAWAY and PING ──► acknowledged, no call open ──► finished
 *   deadline ──► the remaining sessions are closed as they are, and counted; or they stay
 *
 * GOAWAY cuts nothing. It needs plain HTTP/2 that is followed (calls.ts). Measured with 20 of etcd's Go clients,
 * each with a watch, and one session moved every 100 ms: none of 23,866 puts failed and no event was lost. Cutting
 * the same sessions failed 66 puts and reordered two.
 *
 * Owns the sessions that leave, and one timer. member-drains.ts and rebalancer.ts decide which leave, and why.
 */
import type { RandomSource } from '../../balancing/policies/policy.ts';
import { attempt } from '../../lib/unexpected.ts';
import { isQuiet } from './activity.ts';
import { isInIdleGap, isUntouched, type Watch } from './idle-gap.ts';
import type { CloseReason, Session } from './session.ts';
import type { Sessions } from './sessions.ts';

/** Why, how, and by when sessions leave. Sessions that leave together share one object, read at each step. */
export interface Drain {
  readonly reason: CloseReason;
  /** Do calls in flight have time until the deadline? */
  readonly graceful: boolean;
  /** ms of `performance.now()`. */
  readonly deadline: number;
  /** What happens to the remaining sessions then. A session that was asked by GOAWAY never stays. */
  readonly atDeadline: 'close' | 'stay';
  /** How long the sessions have, ms. Each has its turn within half of it. */
  readonly timeout: number;
  /** How many sessions the deadline has cut. */
  cut: number;
  /** Called once per session, when it is asked by GOAWAY or closed. */
  readonly onLeaving?: (session: Session) => void;
}

type Matcher = (drain: Drain, session: Session) => boolean;

/**
 * The pace: one lot each `interval` ms, so that clients do not all reconnect in the same moment. There are at most
 * `lots` lots, each of at least `smallest` sessions. With a jitter of 1, intervals vary by half either way, so
 * that balancers do not keep step.
 */
type Pace = Readonly<Record<'interval' | 'lots' | 'smallest' | 'jitter', number>>;
/** For sessions that are closed at once or asked by GOAWAY: within half a second. A lot has at least 50. */
const quick: Pace = { interval: 20, lots: 25, smallest: 50, jitter: 1 };
/** For sessions that leave in an idle gap: within three seconds. */
const steady: Pace = { interval: 100, lots: 30, smallest: 5, jitter: 0 };
/** Between two samples of a session that waits for an idle gap, ms. */
const gapInterval = 5;
/** The member's bytes within this time, ms, add up to one answer: the events of a watch have no end. */
const watchTime = 1_000;
/** Between two checks of a session that was asked by GOAWAY, ms. */
const askedInterval = 20;
/** A client that has not acknowledged after this long, ms, never will. Its session may then leave when quiet. */
const patience = 5_000;
/** How long the client has to end its side of the connection, ms. */
const closingTime = 1_000;

interface Leaving {
  drain: Drain;
  /** When its next step is due, first its turn, ms of `performance.now()`. */
  nextAt: number;
  /** Present while it waits for an idle gap. */
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
   * Makes sessions leave, the first lot now. If graceful, sessions whose clients asked last longest ago go first;
   * else those that wait longest for an answer. A session that is already leaving follows the more urgent drain.
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

  /** Closes sessions as they are. Returns how many that cuts; those that were already ending do not count. */
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

  /** Lets matching sessions stay. Those that were asked by GOAWAY still leave, without a deadline. */
  cancel(matches: Matcher): void {
    for (const [session, leaving] of this.#leaving) {
      if (matches(leaving.drain, session)) this.#letStay(session, leaving);
    }
    this.#tick();
  }

  /** Is this session leaving? */
  has(session: Session): boolean {
    return this.#leaving.has(session);
  }

  /** How many leaving sessions match. */
  count(matches: Matcher): number {
    let count = 0;
    for (const [session, { drain }] of this.#leaving) if (matches(drain, session)) count += 1;
    return count;
  }

  /** Stops the timer. Open sessions stay open. */
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
    // After the sockets have been read again: a question that had arrived unread keeps its session.
    if (idle.length > 0) setImmediate(() => this.#closeIdle(idle));
    if (next === Number.POSITIVE_INFINITY) return;
    this.#timer = setTimeout(() => this.#tick(), Math.max(1, next - now));
  }

  /** Takes the next step for a session that is due. Returns whether it is in an idle gap. */
  #step(session: Session, leaving: Leaving, now: number): boolean {
    const { state, calls, relay } = session;
    const { drain } = leaving;
    leaving.nextAt = now + askedInterval;
    if (!drain.graceful) this.#close(session, drain);
    else if (state.kind === 'finishing') {
      // Nothing is in flight. The client has not ended its side yet.
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

  /** Runs at the deadline. */
  #end(session: Session, leaving: Leaving): void {
    const { drain } = leaving;
    if (drain.atDeadline === 'stay') this.#letStay(session, leaving);
    else drain.cut += this.close([session], drain.reason);
  }

  #letStay(session: Session, leaving: Leaving): void {
    // A client that was asked by GOAWAY makes no more calls here. Its session still leaves, without a deadline.
    const unhurried = {
      graceful: true,
      deadline: Number.POSITIVE_INFINITY,
      atDeadline: 'stay',
    } as const;
    if (session.state.kind === 'open') this.#leaving.delete(session);
    else leaving.drain = { ...leaving.drain, ...unhurried };
  }
}

/** Will the client make no more calls here, and is none in flight? */
function hasUnderstood(session: Session, askedAt: number, now: number): boolean {
  const { calls, activity, bytes } = session;
  if (calls?.goAway === 'acknowledged') return !calls.isBusy;
  // No longer followed, or the client never acknowledges: treat the session as opaque.
  const isHopeless = calls?.state !== 'followed' || now - askedAt >= patience;
  if (!isHopeless || calls?.isBusy === true) return false;
  session.sample(now);
  return isQuiet(activity, bytes, now);
}
