/** Sessions without sockets, for what only looks at their counts and closes them. */
import type { Member } from '../../../src/members/member.ts';
import { newCallFigures } from '../../../src/proxy/http2/call-figures.ts';
import { Calls } from '../../../src/proxy/http2/calls.ts';
import {
  acknowledgement,
  clientPreface,
  endHeaders,
  endStream,
  frameTypes,
} from '../../../src/proxy/http2/frames.ts';
import {
  type ByteCounts,
  clientSpoke,
  memberSpoke,
  newByteCounts,
  plainBytes,
} from '../../../src/proxy/relay/byte-counts.ts';
import { newActivity } from '../../../src/proxy/sessions/activity.ts';
import type { CloseReason, Session } from '../../../src/proxy/sessions/sessions.ts';
import { encode, type Frame, frame, settings } from '../../support/http2-frames.ts';

export interface FakeSession extends Session {
  calls: Session['calls'];
  readonly bytes: ByteCounts;
  closedFor: CloseReason | undefined;
  /** Why its client was asked to leave, and why it was ended in order. */
  bidFor: CloseReason | undefined;
  finishedFor: CloseReason | undefined;
  /** Has the client sent something that was not read yet? */
  unread: boolean;
  /** What the two would do on the wire. */
  ask(): void;
  answer(): void;
}

export class FakeSessions {
  opened = 0;
  #news: FakeSession[] = [];
  readonly #open = new Map<Member, Set<Session>>();

  open(member: Member, now = 0): FakeSession {
    const bytes = newByteCounts(plainBytes, () => {
      bytes.noted = true;
      this.#news.push(session);
    });
    const here = this.#of(member);
    const session: FakeSession = {
      id: this.opened + 1,
      member,
      openedAt: now,
      bytes,
      activity: newActivity(now),
      calls: undefined,
      closedFor: undefined,
      bidFor: undefined,
      finishedFor: undefined,
      unread: false,
      get closing() {
        return (this.closedFor ?? this.finishedFor) !== undefined;
      },
      get leaving() {
        return this.closedFor ?? this.finishedFor ?? this.bidFor;
      },
      clientAddress: () => undefined,
      close(reason) {
        if (this.closedFor !== undefined) return false;
        this.closedFor = reason;
        here.delete(session);
        member.load -= 1;
        return true;
      },
      bid(reason) {
        this.bidFor = reason;
        this.calls?.bid();
      },
      finish(reason) {
        this.finishedFor = reason;
      },
      catchUp() {
        return this.unread;
      },
      hold: () => {},
      release: () => {},
      ask: () => clientSpoke(bytes, 60),
      answer: () => memberSpoke(bytes, 65),
    };
    here.add(session);
    member.load += 1;
    this.opened += 1;
    return session;
  }

  takeNews(): readonly FakeSession[] {
    const news = this.#news;
    this.#news = [];
    for (const { bytes } of news) bytes.noted = false;
    return news;
  }

  closeAllOf(member: Member, reason: CloseReason): number {
    const open = [...this.#of(member)];
    const cut = open.filter(({ closing }) => !closing).length;
    for (const session of open) session.close(reason);
    return cut;
  }

  all(): Session[] {
    return [...this.#open.values()].flatMap((open) => [...open]);
  }

  openOn(member: Member): ReadonlySet<Session> {
    return this.#of(member);
  }

  #of(member: Member): Set<Session> {
    const here = this.#open.get(member) ?? new Set();
    this.#open.set(member, here);
    return here;
  }
}

const { headers, ping } = frameTypes;
/** Of a call, and what a client says when it has understood that it is to leave. */
export const question = frame(headers, endHeaders | endStream, 1, 10);
export const answer = frame(headers, endHeaders | endStream, 1, 10);
export const acknowledged = frame(ping, acknowledgement, 0, 8);

/** Has the calls of a session followed, which both have begun. */
export function follow(session: FakeSession): FakeSession {
  session.calls = new Calls(session.member, newCallFigures());
  session.calls.followClient(clientPreface, clientPreface.length);
  say(session, 'client', settings);
  say(session, 'member', settings);
  return session;
}

export function say({ calls }: FakeSession, who: 'client' | 'member', ...frames: Frame[]): void {
  const bytes = encode(frames);
  if (who === 'client') calls?.followClient(bytes, bytes.length);
  else calls?.followMember(bytes, bytes.length);
}
