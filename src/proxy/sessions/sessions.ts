/**
 * The sessions: one for each client connection that reached a member, and what they add up to.
 *
 * Owns the set of open sessions by member, the members' `load` for as long as a session lasts, and
 * the totals of ended ones. Leaves to others when a session must leave (cluster/ decides, the proxy
 * obeys) and how it is told (observe/ reads the figures when someone asks).
 */

import type { Socket } from 'node:net';
import type { Member } from '../../members/member.ts';
import type { Dialled } from '../dial/dial.ts';
import { type CallFigures, newCallFigures } from '../http2/call-figures.ts';
import { Calls } from '../http2/calls.ts';
import { type ByteCounts, newByteCounts, type Wire, withinTls } from '../relay/byte-counts.ts';
import type { Copier } from '../relay/copier.ts';
import { type Relay, type RelayEnd, startRelay } from '../relay/relay.ts';
import { type Activity, newActivity } from './activity.ts';

/** Why we close a session. */
export type CloseReason =
  | 'evicted'
  | 'rebalanced'
  | 'removed'
  | 'drained'
  | 'operator'
  | 'silent'
  | 'shutdown';

/** Why a session ended. Used as a metric label. */
export type EndReason = Exclude<RelayEnd, 'closed-by-us'> | CloseReason;

/** Every reason there is, so that each can be shown before it first happens. */
export const endReasons = [
  'client-closed',
  'member-closed',
  'client-reset',
  'member-reset',
  'evicted',
  'rebalanced',
  'removed',
  'drained',
  'operator',
  'silent',
  'shutdown',
] as const satisfies readonly EndReason[];

/** What anybody may see of `ByteCounts`. */
type Counted = Omit<ByteCounts, 'note' | 'noted'>;

export interface Session {
  /** Unique as long as this process runs. */
  readonly id: number;
  readonly member: Member;
  /** Time of `performance.now()`, ms. */
  readonly openedAt: number;
  readonly bytes: Readonly<Counted>;
  /** What was seen of it lately; kept by the sweep (passive.ts). */
  readonly activity: Activity;
  /** What is known of its calls; undefined where nobody follows them. */
  readonly calls: Calls | undefined;
  /** Was it told to close? */
  readonly closing: boolean;
  /** Why it is to end, once it was asked to leave or told to close. */
  readonly leaving: CloseReason | undefined;
  /**
   * Asks the client to take its next calls elsewhere, where its calls are followed. It is no load of the
   * member's from then on. What comes of it is for farewells.ts.
   */
  bid(reason: CloseReason): void;
  /** Closes it in order, once no call is in flight; `close` still cuts it short. */
  finish(reason: CloseReason): void;
  /**
   * Closes both ends at once, so that the client sees it and comes back elsewhere. Returns false
   * when that was done already.
   */
  close(reason: CloseReason): boolean;
  /** Address and port of the client; undefined on a Unix socket, and once the client is gone. */
  clientAddress(): string | undefined;
  /** See `Copying`: false when, at this very moment, the client has sent nothing more. */
  catchUp(): boolean;
  /** See `Copying`. */
  hold(): void;
  /** See `Copying`. */
  release(): void;
}

/** What a member's sessions add up to, open ones included. Only ever grows. */
export interface MemberTotals {
  opened: number;
  readonly ended: Record<EndReason, number>;
  readonly bytes: Pick<ByteCounts, 'client' | 'member'>;
  /** Kept up to date by the sessions whose calls are followed. */
  readonly calls: CallFigures;
}

interface MemberSessions {
  readonly open: Set<Session>;
  /** Its `bytes` are those of ended sessions only. */
  readonly past: MemberTotals;
}

export class Sessions {
  readonly #byMember = new Map<Member, MemberSessions>();
  readonly #onEnd: (session: Session, reason: EndReason) => void;
  /** Those whose clients have said nothing yet, in the order in which they came. */
  readonly #unspoken = new Set<Session>();
  #news: Session[] = [];
  #count = 0;
  #opened = 0;
  #held = false;

  /** @param onEnd is called when both ends of a session are closed. */
  constructor(onEnd: (session: Session, reason: EndReason) => void) {
    this.#onEnd = onEnd;
  }

  /** Sessions opened since the start, on all members. */
  get opened(): number {
    return this.#opened;
  }

  /** Open sessions of all members. */
  get count(): number {
    return this.#count;
  }

  /**
   * Joins a client and a member. Takes over both sockets and the load that the dial has counted.
   * Throws when one of the sockets is destroyed already.
   *
   * @param follow are its calls to be followed? Only where the bytes are plain.
   * @param wire what the bytes are.
   */
  open(
    client: Socket,
    dialled: Dialled,
    copy: Copier,
    follow = false,
    wire: Wire = withinTls,
  ): Session {
    const { member } = dialled;
    const { open, past } = this.#of(member);
    const bytes = newByteCounts(wire, () => {
      bytes.noted = true;
      this.#news.push(session);
      if (bytes.client > 0) this.#unspoken.delete(session);
    });
    const openedAt = performance.now();
    const calls = follow ? new Calls(member, past.calls) : undefined;
    let leaving: CloseReason | undefined;
    let closing: CloseReason | undefined;
    let isClosed = false;
    const onEnd = (end: RelayEnd): void => {
      // A client that was asked to leave, and has nothing more to ask, leaves by itself.
      const isOurs = end === 'closed-by-us' || (end === 'client-closed' && leaving !== undefined);
      const reason = isOurs ? (closing ?? leaving ?? 'shutdown') : (end as EndReason);
      open.delete(session);
      this.#unspoken.delete(session);
      calls?.end();
      if (leaving === undefined) member.load -= 1;
      this.#count -= 1;
      past.ended[reason] += 1;
      past.bytes.client += bytes.client;
      past.bytes.member += bytes.member;
      this.#onEnd(session, reason);
    };
    const pair = { client, member: dialled.socket };
    const relay: Relay = startRelay(pair, copy, bytes, onEnd, calls);
    const session: Session = {
      id: this.#opened + 1,
      member,
      openedAt,
      bytes,
      activity: newActivity(openedAt),
      calls,
      get closing() {
        return closing !== undefined;
      },
      get leaving() {
        return closing ?? leaving;
      },
      bid: (reason) => {
        if (calls === undefined || leaving !== undefined || !open.has(session)) return;
        leaving = reason;
        member.load -= 1;
        if (calls.bid()) relay.say(calls.word);
      },
      finish: (reason) => {
        if (closing !== undefined) return;
        closing = reason;
        relay.finish();
      },
      close: (reason) => {
        if (isClosed) return false;
        isClosed = true;
        closing ??= reason;
        relay.close();
        return true;
      },
      clientAddress: () => relay.clientAddress(),
      catchUp: () => relay.catchUp(),
      hold: () => relay.hold(),
      release: () => relay.release(),
    };
    if (this.#held) relay.hold();
    open.add(session);
    this.#unspoken.add(session);
    past.opened += 1;
    this.#count += 1;
    this.#opened += 1;
    return session;
  }

  /** The sessions in which bytes have come since the last call; some may have ended meanwhile. */
  takeNews(): readonly Session[] {
    const news = this.#news;
    this.#news = [];
    for (const { bytes } of news) (bytes as ByteCounts).noted = false;
    return news;
  }

  /** The sessions that opened before `time`, ms of `performance.now()`, and of whose clients nothing has come. */
  silentSince(time: number): Session[] {
    const silent: Session[] = [];
    for (const session of this.#unspoken) {
      if (session.openedAt >= time) break;
      silent.push(session);
    }
    return silent;
  }

  /** Passes on nothing more from clients, those included that come later, until `release`. */
  hold(): void {
    this.#held = true;
    for (const session of this.all()) session.hold();
  }

  /** Ends a hold. */
  release(): void {
    this.#held = false;
    for (const session of this.all()) session.release();
  }

  /** The open sessions of a member, those being closed included. */
  openOn(member: Member): ReadonlySet<Session> {
    return this.#of(member).open;
  }

  /** The open sessions of all members. */
  all(): Session[] {
    return [...this.#byMember.values()].flatMap(({ open }) => [...open]);
  }

  /** Open sessions on a member. */
  countOf(member: Member): number {
    return this.#of(member).open.size;
  }

  /**
   * Figures of a member since the start. Whoever asks for `bytes` walks its open sessions: for scrapes,
   * not for the data path.
   */
  totalsOf(member: Member): MemberTotals {
    const { open, past } = this.#of(member);
    return {
      opened: past.opened,
      ended: { ...past.ended },
      calls: past.calls,
      get bytes() {
        const bytes = { ...past.bytes };
        for (const session of open) {
          bytes.client += session.bytes.client;
          bytes.member += session.bytes.member;
        }
        return bytes;
      },
    };
  }

  /** Closes every session of a member. Returns how many were not ending already: what was cut. */
  closeAllOf(member: Member, reason: CloseReason): number {
    let count = 0;
    for (const session of this.#of(member).open) {
      if (!session.closing) count += 1;
      session.close(reason);
    }
    return count;
  }

  /** The same for every member. */
  closeAll(reason: CloseReason): number {
    let count = 0;
    for (const member of this.#byMember.keys()) count += this.closeAllOf(member, reason);
    return count;
  }

  /** Forgets the figures of a member that has left, once no session is open there. */
  forget(member: Member): void {
    if (this.#byMember.get(member)?.open.size === 0) this.#byMember.delete(member);
  }

  #of(member: Member): MemberSessions {
    const known = this.#byMember.get(member);
    if (known !== undefined) return known;
    const ended = Object.fromEntries(endReasons.map((reason) => [reason, 0]));
    const sessions: MemberSessions = {
      open: new Set(),
      past: {
        opened: 0,
        ended: ended as Record<EndReason, number>,
        bytes: { client: 0, member: 0 },
        calls: newCallFigures(),
      },
    };
    this.#byMember.set(member, sessions);
    return sessions;
  }
}
