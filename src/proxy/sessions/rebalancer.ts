/**
 * Carries out the plan of balancing/rebalance.ts. Where a session's calls are followed, its client is asked
 * to take the next ones elsewhere (farewells.ts). Where its bytes are opaque it is closed while it is
 * quiet, so that no call is cut as far as can be seen, and the client comes back elsewhere.
 *
 * Owns which sessions are taken, and the memory of what was moved. Cutting sessions at random under
 * load failed 66 of 23,600 puts and reordered two writes (measured with etcd's Go client); that is
 * why an opaque one that is never quiet is left alone.
 */
import type { RandomSource } from '../../balancing/policy.ts';
import { type MemberShare, planMove, type RebalanceRules } from '../../balancing/rebalance.ts';
import type { Member } from '../../members/member.ts';
import { isQuiet } from './activity.ts';
import type { Farewells } from './farewells.ts';
import { isStill, nextRest } from './idle-gap.ts';
import type { Session, Sessions } from './sessions.ts';

export interface RebalancerOptions extends RebalanceRules {
  /** A session younger than this stays, ms: its client has only just come, perhaps because of us. */
  readonly minAge: number;
  /** A session older than this may go though it is never quiet, ms; 0: no session is. */
  readonly maxAge: number;
}

/** How long an order to balance holds, ms: those that cannot be moved by then stay. */
const orderTime = 30_000;
/** What counts while it does: as even as can be, at any pace, whoever has just come. */
const orderRules = { spread: 1, perMinute: 1, minAge: 0 };
/** How long a moved client is waited for, ms. */
const returnTime = 5_000;
const minute = 60_000;
/** A client that has asked nothing for this long, ms, is unlikely to ask in the next moment. */
const calmAfter = 1_000;
/** The chance that a beat is let pass, so that many balancers do not keep step. */
const restShare = 0.25;

export interface RebalancedMember {
  readonly member: Member;
  readonly healthy: boolean;
  /** Its due against the others': 0 where no session belongs now. */
  readonly weight: number;
}

export class Rebalancer {
  readonly #sessions: Pick<Sessions, 'openOn' | 'opened'>;
  readonly #farewells: Pick<Farewells, 'begin' | 'has'>;
  readonly #random: RandomSource;
  readonly #options: RebalancerOptions;
  readonly #onMoved: (from: Member) => void;
  /** When sessions were taken from each member, oldest first; the last minute's. */
  readonly #moves = new WeakMap<Member, number[]>();
  /** Busy ones that are to be closed at their next rest. */
  readonly #awaited = new Set<Session>();
  #orderedUntil = 0;
  #transit: { readonly at: number; readonly opened: number }[] = [];

  constructor(
    sessions: Pick<Sessions, 'openOn' | 'opened'>,
    farewells: Pick<Farewells, 'begin' | 'has'>,
    options: RebalancerOptions,
    onMoved: (from: Member) => void,
    random: RandomSource = Math.random,
  ) {
    this.#onMoved = onMoved;
    this.#random = random;
    this.#sessions = sessions;
    this.#farewells = farewells;
    this.#options = options;
  }

  /** Balances now: for a while nothing but a call in flight holds a session where it is. */
  order(now: number): void {
    this.#orderedUntil = now + orderTime;
  }

  /**
   * Takes the next few sessions, if any have to go. To be called a few times a second, after a
   * sweep.
   *
   * @param now ms of `performance.now()`.
   */
  beat(members: readonly RebalancedMember[], now: number): void {
    const isOrdered = now < this.#orderedUntil;
    const rules = isOrdered ? { ...this.#options, ...orderRules } : this.#options;
    if (rules.spread === 0 || (!isOrdered && this.#random() < restShare)) return;
    const shares = members.map(
      ({ member, healthy, weight }): MemberShare => ({
        healthy,
        sessions: member.load,
        weight,
        moved: this.#movedFrom(member, now).length,
      }),
    );
    const move = planMove(shares, this.#inTransit(now) + this.#awaited.size, rules);
    const member = move && members[move.from]?.member;
    if (move === undefined || member === undefined) return;
    const movable = this.#movable(member, move.count, rules.minAge, now);
    // However long a call may take, such as a backup: there is no hurry.
    const asked = movable.filter((each) => this.#farewells.begin(each, 'rebalanced'));
    for (const session of asked) this.#moved(session.member, now);
    const chosen = movable.filter((each) => !asked.includes(each));
    const isCalm = (session: Session): boolean =>
      now - session.activity.askedAt >= calmAfter || this.#isOverdue(session, now);
    const calm = chosen.filter(isCalm);
    if (calm.length > 0) setImmediate(() => this.#close(calm, now));
    for (const session of chosen) if (!isCalm(session)) void this.#closeAtRest(session);
  }

  async #closeAtRest(session: Session): Promise<void> {
    this.#awaited.add(session);
    const rests = await nextRest(session);
    this.#awaited.delete(session);
    if (rests && !session.catchUp()) this.#move(session, performance.now());
  }

  /**
   * Called once the sockets have been read again: a question that had arrived already, unread,
   * keeps its session.
   */
  #close(chosen: readonly Session[], now: number): void {
    for (const session of chosen) {
      if (isStill(session) || this.#isOverdue(session, now)) this.#move(session, now);
    }
  }

  #move(session: Session, now: number): void {
    if (session.close('rebalanced')) this.#moved(session.member, now);
  }

  #moved(from: Member, now: number): void {
    this.#movedFrom(from, now).push(now);
    this.#transit.push({ at: now, opened: this.#sessions.opened });
    this.#onMoved(from);
  }

  #isOverdue({ openedAt }: Session, now: number): boolean {
    const { maxAge } = this.#options;
    return maxAge > 0 && now - openedAt >= maxAge;
  }

  /**
   * Up to `count` sessions of a member that may go, those first whose clients have asked nothing for
   * longest: they are the least likely to ask in the moment of the close.
   */
  #movable(member: Member, count: number, minAge: number, now: number): Session[] {
    const movable: Session[] = [];
    for (const session of this.#sessions.openOn(member)) {
      if (now - session.openedAt < minAge || session.closing) continue;
      if (this.#awaited.has(session) || this.#farewells.has(session)) continue;
      const mayGo =
        session.calls?.state === 'followed' ||
        isQuiet(session.activity, session.bytes, now) ||
        this.#isOverdue(session, now);
      if (mayGo) movable.push(session);
    }
    return movable.sort((a, b) => a.activity.askedAt - b.activity.askedAt).slice(0, count);
  }

  #movedFrom(member: Member, now: number): number[] {
    const times = (this.#moves.get(member) ?? []).filter((at) => now - at < minute);
    this.#moves.set(member, times);
    return times;
  }

  /** Clients that were moved and are not back: every session opened since is one of them. */
  #inTransit(now: number): number {
    this.#transit = this.#transit.filter(({ at }) => now - at < returnTime);
    const [first] = this.#transit;
    if (first === undefined) return 0;
    return Math.max(0, this.#transit.length - (this.#sessions.opened - first.opened));
  }
}
