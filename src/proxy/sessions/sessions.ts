/**
 * The sessions: one per client connection that is joined to a member, and their totals.
 *
 * Owns the set of open sessions, also by member, and the totals of ended ones, which observe/ reads on demand.
 */
import { attempt } from '../../lib/unexpected.ts';
import type { Member } from '../../members/member.ts';
import { CallFigures } from '../http2/call-figures.ts';
import { Calls } from '../http2/calls.ts';
import type { ByteCounts } from '../relay/byte-counts.ts';
import { type EndReason, endReasons, Session, type SessionOptions } from './session.ts';

/** The totals of a member's sessions, including open ones. They only grow. */
export type MemberTotals = Omit<MemberSessions, 'open'>;

class MemberSessions {
  readonly open = new Set<Session>();
  opened = 0;
  readonly ended = Object.fromEntries(endReasons.map((reason) => [reason, 0])) as EndCounts;
  /** Of ended sessions only. */
  readonly bytes: Pick<ByteCounts, 'client' | 'member'> = { client: 0, member: 0 };
  /** Updated by the sessions whose calls are followed. */
  readonly calls = new CallFigures();
}

type EndCounts = Record<EndReason, number>;
type EndListener = (session: Session, reason: EndReason) => void;

export class Sessions {
  readonly #open = new Set<Session>();
  readonly #byMember = new WeakMap<Member, MemberSessions>();
  readonly #endListeners: EndListener[] = [];
  /** Sessions in which bytes have come since the last sample. */
  #active: Session[] = [];
  /** The last sample that found any, ms of `performance.now()`. */
  #activeAt = 0;
  #opened = 0;
  #held = false;

  /** Sessions opened since the start, on all members. */
  get opened(): number {
    return this.#opened;
  }

  /** Open sessions of all members. */
  get count(): number {
    return this.#open.size;
  }

  /** Calls `listener` when both sockets of a session are closed. Listeners run in the order of their addition. */
  onEnd(listener: EndListener): void {
    this.#endListeners.push(listener);
  }

  /**
   * Joins a client and a member. Takes over both sockets and the load lease of the dial. Throws if one of the
   * sockets is already destroyed.
   */
  open(options: SessionOptions): Session {
    const { member } = options.dialled;
    const here = this.#of(member);
    const session = new Session(
      this.#opened + 1,
      options,
      options.follow ? new Calls(member, here.calls) : undefined,
      (active) => this.#active.push(active),
      (ended, reason) => this.#ended(ended, reason),
    );
    if (this.#held) session.relay.hold();
    this.#open.add(session);
    here.open.add(session);
    here.opened += 1;
    this.#opened += 1;
    return session;
  }

  /**
   * Updates the activity of all sessions at `now`, ms of `performance.now()`. Returns those in which bytes
   * have come since the last sample. Some may have ended meanwhile.
   */
  sample(now: number): readonly Session[] {
    const active = this.#active;
    this.#active = [];
    if (active.length > 0) this.#activeAt = now;
    for (const session of active) {
      (session.bytes as ByteCounts).noted = false;
      session.sample(now);
    }
    return active;
  }

  /** For how long no bytes have come in any session, as of the last sample, ms. */
  quietFor(now: number): number {
    return now - this.#activeAt;
  }

  /** Stops reading from all clients, including those that connect later, until `release`. */
  hold(): void {
    this.#held = true;
    for (const { relay } of this.#open) relay.hold();
  }

  /** Ends a hold. */
  release(): void {
    this.#held = false;
    for (const { relay } of this.#open) relay.release();
  }

  /** The open sessions of a member, including those that are being closed. */
  openOn(member: Member): ReadonlySet<Session> {
    return this.#of(member).open;
  }

  /** The open sessions of all members, the oldest first. */
  all(): Session[] {
    return [...this.#open];
  }

  /** Open sessions on a member. */
  countOf(member: Member): number {
    return this.#of(member).open.size;
  }

  /**
   * The totals of a member since the start. Reading `bytes` walks all its open sessions: for scrapes, not for
   * the data path.
   */
  totalsOf(member: Member): MemberTotals {
    const { open, opened, ended, bytes: past, calls } = this.#of(member);
    return {
      ...{ opened, ended: { ...ended }, calls },
      get bytes() {
        const bytes = { ...past };
        for (const session of open) addBytes(bytes, session);
        return bytes;
      },
    };
  }

  #ended(session: Session, reason: EndReason): void {
    const { open, ended, bytes } = this.#of(session.member);
    this.#open.delete(session);
    open.delete(session);
    ended[reason] += 1;
    addBytes(bytes, session);
    for (const listener of this.#endListeners) attempt(() => listener(session, reason));
  }

  #of(member: Member): MemberSessions {
    const here = this.#byMember.get(member) ?? new MemberSessions();
    this.#byMember.set(member, here);
    return here;
  }
}

function addBytes(sum: Pick<ByteCounts, 'client' | 'member'>, { bytes }: Session): void {
  sum.client += bytes.client;
  sum.member += bytes.member;
}
