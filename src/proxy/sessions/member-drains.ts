/**
 * Member drains: which sessions leave when a member is drained by an operator, is removed, or has failed, or
 * when this process stops. The drainer does it; this adds the sessions that open meanwhile, and tells when none
 * is left and none can come. That a member is removed, drained or failed is decided elsewhere.
 */
import { EventEmitter } from 'node:events';
import type { Member } from '../../members/member.ts';
import type { Drain, Drainer } from './drainer.ts';
import type { Session } from './session.ts';
import type { Sessions } from './sessions.ts';

/** Between two looks for sessions that have opened meanwhile, ms. */
const interval = 100;

/** What is to be told when no session is left and none can come. */
export interface Drained {
  readonly reason: 'removed' | 'drained';
  /** Sessions there were at the begin. */
  readonly sessions: number;
  /** Sessions that were closed as they were when their time was over. */
  readonly cut: number;
}

/** Without an end, as at a shutdown. */
const endless: Omit<Drain, 'reason' | 'timeout'> = {
  ...{ graceful: true, atDeadline: 'close', cut: 0 },
  deadline: Number.POSITIVE_INFINITY,
};

/** Of all members that have failed. */
const eviction: Drain = {
  ...{ ...endless, reason: 'evicted', graceful: false, timeout: Number.POSITIVE_INFINITY },
};

interface MemberDrainEvents {
  /** No session is left of this member, and none can come. */
  drained: [Member, Drained];
}

export class MemberDrains extends EventEmitter<MemberDrainEvents> {
  readonly #sessions: Pick<Sessions, 'all' | 'openOn'>;
  readonly #drainer: Drainer;
  readonly #underWay = new Map<Member, Drain & Drained>();
  #shutdown: Drain | undefined;
  #timer: NodeJS.Timeout | undefined;

  constructor(sessions: Pick<Sessions, 'all' | 'openOn'>, drainer: Drainer) {
    super();
    this.#sessions = sessions;
    this.#drainer = drainer;
  }

  /** Members that were removed, and still have sessions. */
  get leaving(): readonly Member[] {
    const leaving = this.#underWay.entries().filter(([, { reason }]) => reason === 'removed');
    return [...leaving].map(([member]) => member);
  }

  /** Until when the sessions of a member have time, ms of `performance.now()`; undefined if none leave. */
  deadlineOf(member: Member): number | undefined {
    return this.#underWay.get(member)?.deadline;
  }

  /**
   * Lets the sessions of a member leave, or changes why and by when they must.
   *
   * @param timeout after which what is left is closed, ms; 0 for at once.
   */
  drain(member: Member, timeout: number, reason: Drained['reason']): void {
    const wanted = { reason, timeout, deadline: performance.now() + timeout };
    const known = this.#underWay.get(member);
    const { size: sessions } = this.#sessions.openOn(member);
    if (known !== undefined) Object.assign(known, wanted);
    else this.#underWay.set(member, { ...endless, ...wanted, sessions });
    this.#tick();
  }

  /**
   * Lets the sessions of all members leave, those that open meanwhile included, until `stop`. What is open
   * then, and how many those are, is for the caller to see.
   *
   * @param timeout how long that will be, ms, for the pace.
   */
  drainAll(timeout: number): void {
    this.#shutdown = { ...endless, reason: 'shutdown', timeout };
    this.#tick();
  }

  /** Leaves the sessions where they are, but for those whose clients were asked to leave already. */
  cancel(member: Member): void {
    const drain = this.#underWay.get(member);
    this.#underWay.delete(member);
    this.#drainer.cancel((each) => each === drain);
  }

  /**
   * Makes exactly these members the ones whose sessions must leave as they are: begins with those that are
   * new, gives up those that are not named any more. Returns how many sessions each new one has.
   *
   * @param isDisproof does this session show that its member has not failed any more? It stays.
   */
  evict(
    members: readonly Member[],
    isDisproof: (session: Session) => boolean = () => false,
  ): ReadonlyMap<Member, number> {
    this.#drainer.cancel((drain, { member }) => drain === eviction && !members.includes(member));
    const begun = new Map<Member, number>();
    for (const member of members) {
      const open = [...this.#sessions.openOn(member)];
      const leaving = open.filter((session) => !isEnding(session) && !isDisproof(session));
      const isUnderWay =
        this.#drainer.count((drain, each) => drain === eviction && each.member === member) > 0;
      if (isUnderWay || leaving.length === 0) continue;
      begun.set(member, leaving.length);
      this.#drainer.request(leaving, eviction);
    }
    return begun;
  }

  /** Stops the timer; what is open stays so. */
  stop(): void {
    clearTimeout(this.#timer);
    this.#underWay.clear();
    this.#shutdown = undefined;
  }

  #tick(): void {
    clearTimeout(this.#timer);
    // Before the work, so that it goes on also if that throws.
    this.#timer = setTimeout(() => this.#tick(), interval);
    for (const [member, drain] of this.#underWay) {
      this.#drainer.request(this.#sessions.openOn(member), drain);
      // The load counts dials too: one that was under way may still become a session.
      if (member.load > 0 || this.#sessions.openOn(member).size > 0) continue;
      this.#underWay.delete(member);
      const { reason, sessions, timeout, cut } = drain;
      // Who was given no time has not outstayed it.
      this.emit('drained', member, { reason, sessions, cut: timeout > 0 ? cut : 0 });
    }
    if (this.#shutdown !== undefined) this.#drainOthers(this.#shutdown);
    else if (this.#underWay.size === 0) clearTimeout(this.#timer);
  }

  /** Who leaves already has a deadline of its own. */
  #drainOthers(drain: Drain): void {
    const open = this.#sessions.all().filter(({ member }) => !this.#underWay.has(member));
    for (const sessions of Map.groupBy(open, ({ member }) => member).values()) {
      this.#drainer.request(sessions, drain);
    }
  }
}

function isEnding({ state }: Session): boolean {
  return state.kind === 'finishing' || state.kind === 'closed';
}
