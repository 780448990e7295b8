/**
 * The rebalancer carries out the plan of balancing/rebalance.ts: it chooses the sessions that go, remembers what
 * was moved, and has the drainer do it. An opaque session that is never quiet stays: cutting sessions at random
 * under load failed 66 of 23,600 puts and reordered two writes (measured with etcd's Go client).
 */
import type { RandomSource } from '../../balancing/policies/policy.ts';
import { type MemberShare, planMove, type RebalanceRules } from '../../balancing/rebalance.ts';
import type { Member } from '../../members/member.ts';
import { isQuiet } from './activity.ts';
import type { Drainer } from './drainer.ts';
import type { Session } from './session.ts';
import type { Sessions } from './sessions.ts';

export interface RebalancerRules extends RebalanceRules {
  /** A session younger than this stays, ms: its client has only just come, perhaps because of us. */
  readonly minAge: number;
  /** A session older than this may go though it is never quiet, ms; 0: no session is. */
  readonly maxAge: number;
}

/** How long an operator's wish to balance holds, ms: those that cannot be moved by then stay. */
const urgentTime = 30_000;
/** What counts while it does: as even as can be, at any pace, whoever has just come. */
const urgentRules = { spread: 1, perMinute: 1, minAge: 0 };
/** How long an idle gap is waited for, and how long a client that was moved, ms. */
const gapTime = 1_000;
const returnTime = 5_000;
const minute = 60_000;
/** The chance that a tick is let pass, so that many balancers do not keep step. */
const restShare = 0.25;

export interface RebalancedMember {
  readonly member: Member;
  readonly healthy: boolean;
  /** Its due against the others': 0 where no session belongs now. */
  readonly weight: number;
}

export class Rebalancer {
  readonly #sessions: Pick<Sessions, 'openOn' | 'opened'>;
  readonly #drainer: Drainer;
  readonly #rules: () => RebalancerRules;
  readonly #onMoved: (from: Member) => void;
  readonly #random: RandomSource;
  /** What was moved in the last minute, oldest first, and how many sessions had been opened by then. */
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

  /** Balances now: for a while nothing but a call in flight holds a session where it is. */
  balanceNow(now: number): void {
    this.#urgentUntil = now + urgentTime;
  }

  /**
   * Takes the next few sessions, if any have to go. To be called a few times a second, after a sample.
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
    // Those first that are the least likely to ask in the moment of the close.
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
      // However long a call may take, such as a backup, where it is followed: there is no hurry.
      ...{ deadline: now + gapTime, atDeadline: 'stay' },
      onLeaving: ({ member }) => {
        this.#moves.push({ from: member, at: performance.now(), opened: this.#sessions.opened });
        this.#onMoved(member);
      },
    });
  }

  /** Clients that were moved and are not back: every session opened since is one of them. */
  #inTransit(now: number): number {
    const transit = this.#moves.filter(({ at }) => now - at < returnTime);
    const before = transit[0]?.opened ?? 0;
    return Math.max(0, transit.length - (this.#sessions.opened - before));
  }
}

function isFollowed({ calls }: Session): boolean {
  return calls?.state === 'followed';
}
