/**
 * The rebalancer carries out the plan of balancing/rebalance.ts: it chooses the sessions to move, hands them to
 * the drainer, and remembers what was moved. An opaque session that is never quiet stays: cutting sessions at
 * random under load failed 66 of 23,600 puts and reordered two writes (measured with etcd's Go client).
 */
import type { RandomSource } from '../../balancing/policies/policy.ts';
import { type MemberShare, planMove, type RebalanceRules } from '../../balancing/rebalance.ts';
import type { Member } from '../../members/member.ts';
import { isQuiet } from './activity.ts';
import type { Drainer } from './drainer.ts';
import type { Session } from './session.ts';
import type { Sessions } from './sessions.ts';

export interface RebalancerRules extends RebalanceRules {
  /** A session younger than this stays, ms: its client has only just connected, perhaps because of a move. */
  readonly minAge: number;
  /** A session older than this may be moved although it is never quiet, ms; 0 for no such age. */
  readonly maxAge: number;
}

/** How long an operator's request to balance lasts, ms. Sessions that cannot be moved by then stay. */
const urgentTime = 30_000;
/** The rules while it lasts: as even as possible, at any pace, including sessions that have just opened. */
const urgentRules = { spread: 1, perMinute: 1, minAge: 0 };
/** How long to wait for an idle gap, and for a moved client to return, ms. */
const gapTime = 1_000;
const returnTime = 5_000;
const minute = 60_000;
/** The chance that a tick is skipped, so that many balancers do not keep step. */
const restShare = 0.25;

export interface RebalancedMember {
  readonly member: Member;
  readonly healthy: boolean;
  /** Its share in relation to the others; 0 if it should have no sessions now. */
  readonly weight: number;
}

export class Rebalancer {
  readonly #sessions: Pick<Sessions, 'openOn' | 'opened'>;
  readonly #drainer: Drainer;
  readonly #rules: () => RebalancerRules;
  readonly #onMoved: (from: Member) => void;
  readonly #random: RandomSource;
  /** The moves of the last minute, oldest first, each with the number of sessions opened by then. */
  #moves: { readonly from: Member; readonly at: number; readonly opened: number }[] = [];
  #urgentUntil = 0;

  constructor(
    sessions: Pick<Sessions, 'openOn' | 'opened'>,
    drainer: Drainer,
    rules: () => RebalancerRules,
    onMoved: (from: Member) => void,
    random: RandomSource = Math.random,
  ) {
    this.#sessions = sessions;
    this.#drainer = drainer;
    this.#rules = rules;
    this.#onMoved = onMoved;
    this.#random = random;
  }

  /** Balances now: for a while only a call in flight keeps a session where it is. */
  balanceNow(now: number): void {
    this.#urgentUntil = now + urgentTime;
  }

  /**
   * Moves the next few sessions, if any must be moved. Call this a few times a second, after a sample.
   *
   * @param now ms of `performance.now()`.
   */
  tick(members: readonly RebalancedMember[], now: number): void {
    const isUrgent = now < this.#urgentUntil;
    const rules = { ...this.#rules(), ...(isUrgent && urgentRules) };
    if (rules.spread === 0 || (!isUrgent && this.#random() < restShare)) return;
    this.#moves = this.#moves.filter(({ at }) => now - at < minute);
    let inTransit = this.#inTransit(now);
    const shares = members.map(({ member, healthy, weight }): MemberShare => {
      const moved = this.#moves.filter(({ from }) => from === member).length;
      // Who waits for an idle gap is as good as gone: counted in both places, too many would leave.
      const waiting = this.#waitingOn(member);
      inTransit += waiting;
      return { healthy, sessions: member.load - waiting, weight, moved: moved + waiting };
    });
    const move = planMove(shares, inTransit, rules);
    const member = move && members[move.from]?.member;
    if (move === undefined || member === undefined) return;
    const isOverdue = ({ openedAt }: Session): boolean =>
      rules.maxAge > 0 && now - openedAt >= rules.maxAge;
    const mayGo = (each: Session): boolean =>
      isFollowed(each) || isQuiet(each.activity, each.bytes, now) || isOverdue(each);
    const movable = [...this.#sessions.openOn(member)].filter((each) => {
      const isHeld = now - each.openedAt < rules.minAge || this.#drainer.has(each);
      return !isHeld && each.state.kind === 'open' && mayGo(each);
    });
    // The sessions least likely to ask in the moment of the close come first.
    movable.sort((a, b) => a.activity.askedAt - b.activity.askedAt);
    for (const session of movable.slice(0, move.count)) {
      this.#move(session, isFollowed(session) || !isOverdue(session), now);
    }
  }

  /** Its sessions that are to leave, and are still a part of its load. */
  #waitingOn(member: Member): number {
    return this.#drainer.count(
      ({ reason }, session) =>
        reason === 'rebalanced' && session.member === member && session.state.kind === 'open',
    );
  }

  #move(session: Session, graceful: boolean, now: number): void {
    this.#drainer.request([session], {
      ...{ reason: 'rebalanced', graceful, timeout: gapTime, cut: 0 },
      // Not urgent: a followed session keeps its calls, such as a backup, however long they take.
      ...{ deadline: now + gapTime, atDeadline: 'stay' },
      onLeaving: ({ member }) => {
        this.#moves.push({ from: member, at: performance.now(), opened: this.#sessions.opened });
        this.#onMoved(member);
      },
    });
  }

  /** How many moved clients have not returned. Every session opened since counts as one that has. */
  #inTransit(now: number): number {
    const transit = this.#moves.filter(({ at }) => now - at < returnTime);
    const before = transit[0]?.opened ?? 0;
    return Math.max(0, transit.length - (this.#sessions.opened - before));
  }
}

function isFollowed({ calls }: Session): boolean {
  return calls?.state === 'followed';
}
