/**
 * Member drains: which sessions leave when an operator drains a member, when a member is removed or fails, and
 * when this process stops. The drainer makes them leave. This file adds sessions that open meanwhile, and
 * reports when none is left and none can come. Other rooms decide that a member is removed, drained or failed.
 */
import { EventEmitter } from 'node:events';
import type { Member } from '../../members/member.ts';
import type { Drain, Drainer } from './drainer.ts';
import type { Session } from './session.ts';
import type { Sessions } from './sessions.ts';

/** How often to look for sessions that have opened meanwhile, ms. */
const interval = 100;

/** The result of a drain, when no session is left and none can come. */
export interface Drained {
  readonly reason: 'removed' | 'drained';
  /** Sessions at the begin. */
  readonly sessions: number;
  /** Sessions that the deadline has cut. */
  readonly cut: number;
}

/** Without a deadline, as at a shutdown. */
const endless: Omit<Drain, 'reason' | 'timeout'> = {
  ...{ graceful: true, atDeadline: 'close', cut: 0 },
  deadline: Number.POSITIVE_INFINITY,
};

/** The one drain of all evicted members. */
const eviction: Drain = {
  ...{ ...endless, reason: 'evicted', graceful: false, timeout: Number.POSITIVE_INFINITY },
};

interface MemberDrainEvents {
  /** This member has no session left, and none can come. */
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

  /** Removed members that still have sessions. */
  get leaving(): readonly Member[] {
    const leaving = this.#underWay.entries().filter(([, { reason }]) => reason === 'removed');
    return [...leaving].map(([member]) => member);
  }

  /** The deadline for the sessions of a member, ms of `performance.now()`; undefined if it is not drained. */
  deadlineOf(member: Member): number | undefined {
    return this.#underWay.get(member)?.deadline;
  }

  /**
   * Makes the sessions of a member leave, or changes why and by when they must.
   *
   * @param timeout after which the remaining sessions are closed, ms; 0 for at once.
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
   * Makes the sessions of all members leave, including those that open meanwhile, until `stop`. The caller
   * closes the sessions that are open then.
   *
   * @param timeout how long the sessions have until then, ms; it sets the pace.
   */
  drainAll(timeout: number): void {
    this.#shutdown = { ...endless, reason: 'shutdown', timeout };
    this.#tick();
  }

  /** Ends a drain. The sessions stay, except those whose clients were already asked to leave. */
  cancel(member: Member): void {
    const drain = this.#underWay.get(member);
    this.#underWay.delete(member);
    this.#drainer.cancel((each) => each === drain);
  }

  /**
   * Evicts exactly these members: closes the sessions of new ones as they are, and stops evicting those that are
   * no longer listed. Returns how many sessions of each new one leave.
   *
   * @param isDisproof does this session show that its member works again? Then the session stays.
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

  /** Stops the timer. Open sessions stay open. */
  stop(): void {
    clearTimeout(this.#timer);
    this.#underWay.clear();
    this.#shutdown = undefined;
  }

  #tick(): void {
    clearTimeout(this.#timer);
    // Set before the work, so that a throw does not stop the ticks.
    this.#timer = setTimeout(() => this.#tick(), interval);
    for (const [member, drain] of this.#underWay) {
      this.#drainer.request(this.#sessions.openOn(member), drain);
      // The load includes dials: one that is under way may still become a session.
      if (member.load > 0 || this.#sessions.openOn(member).size > 0) continue;
      this.#underWay.delete(member);
      const { reason, sessions, timeout, cut } = drain;
      // With a timeout of 0 no session had a deadline to miss.
      this.emit('drained', member, { reason, sessions, cut: timeout > 0 ? cut : 0 });
    }
    if (this.#shutdown !== undefined) this.#drainOthers(this.#shutdown);
    else if (this.#underWay.size === 0) clearTimeout(this.#timer);
  }

  /** Requests a drain of all members that are not drained already: those have a deadline of their own. */
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
