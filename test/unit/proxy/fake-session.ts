/** Sessions without sockets, for what only looks at their counts and closes them. */
import type { Candidate } from '../../../src/balance/snapshot.ts';
import { newActivity } from '../../../src/proxy/activity.ts';
import {
  type ByteCounts,
  clientSpoke,
  memberSpoke,
  newByteCounts,
  plainBytes,
} from '../../../src/proxy/byte-counts.ts';
import type { CloseReason, Session } from '../../../src/proxy/sessions.ts';

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
  readonly #open = new Map<Candidate, Set<Session>>();

  open(candidate: Candidate, now = 0): FakeSession {
    const bytes = newByteCounts(plainBytes, () => {
      bytes.noted = true;
      this.#news.push(session);
    });
    const here = this.#of(candidate);
    const session: FakeSession = {
      id: this.opened + 1,
      candidate,
      openedAt: now,
      bytes,
      activity: newActivity(now),
      calls: undefined,
      closedFor: undefined,
      bidFor: undefined,
      finishedFor: undefined,
      unread: false,
      get closing() {
        return this.closedFor !== undefined;
      },
      get leaving() {
        return this.closedFor ?? this.bidFor;
      },
      clientAddress: () => undefined,
      close(reason) {
        if (this.closing) return false;
        this.closedFor = reason;
        here.delete(session);
        candidate.load -= 1;
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
    candidate.load += 1;
    this.opened += 1;
    return session;
  }

  takeNews(): readonly FakeSession[] {
    const news = this.#news;
    this.#news = [];
    for (const { bytes } of news) bytes.noted = false;
    return news;
  }

  closeAllOf(candidate: Candidate, reason: CloseReason): number {
    return [...this.#of(candidate)].filter((session) => session.close(reason)).length;
  }

  openOn(candidate: Candidate): ReadonlySet<Session> {
    return this.#of(candidate);
  }

  #of(candidate: Candidate): Set<Session> {
    const here = this.#open.get(candidate) ?? new Set();
    this.#open.set(candidate, here);
    return here;
  }
}
