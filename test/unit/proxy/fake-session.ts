/** Sessions as they are, over sockets that are none: for what looks at their counts, and closes them. */
import { EventEmitter } from 'node:events';
import type { Socket } from 'node:net';
import { LoadLease } from '../../../src/members/load-lease.ts';
import type { Member } from '../../../src/members/member.ts';
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
  plainBytes,
} from '../../../src/proxy/relay/byte-counts.ts';
import type { Copying } from '../../../src/proxy/relay/copier.ts';
import type { Session } from '../../../src/proxy/sessions/session.ts';
import { Sessions } from '../../../src/proxy/sessions/sessions.ts';
import { encode, type Frame, frame, settings } from '../../support/http2-frames.ts';

/** What is used of a socket; it is closed at once. */
class FakeSocket extends EventEmitter {
  readonly writable = true;
  destroyed = false;
  /** Bytes that its peer has not taken. */
  writableLength = 0;

  destroy(): void {
    if (this.destroyed) return;
    this.destroyed = true;
    this.emit('close');
  }

  end(): void {}
  resume(): void {}
  write(): void {}
}

/** What the two would do on the wire. */
interface Played {
  /** Has the client sent something that was not read yet? */
  unread: boolean;
  /** How often it was closed. */
  closes: number;
  readonly client: FakeSocket;
  /** One of the two ends the connection, and the other does so then. */
  endBy(who: 'client' | 'member'): void;
  ask(bytes?: number): void;
  answer(bytes?: number): void;
}
export type FakeSession = Session & Played;

export class FakeSessions extends Sessions {
  /** A session that opens now. */
  start(member: Member, follow = false): FakeSession {
    let bytes!: ByteCounts;
    const [client, upstream] = [new FakeSocket(), new FakeSocket()];
    const played: Played = {
      unread: false,
      closes: 0,
      client,
      endBy: (who) => {
        (who === 'client' ? client : upstream).emit('end');
        client.destroy();
        upstream.destroy();
      },
      ask: (count = 60) => clientSpoke(bytes, count),
      answer: (count = 65) => memberSpoke(bytes, count),
    };
    const copying = {
      client,
      member: upstream,
      catchUp: () => session.unread,
      hold: () => {},
      release: () => {},
    };
    const socket = upstream as unknown as Socket;
    const dialled = { member, socket, lease: new LoadLease(member), failovers: 0 };
    const copy = (_: unknown, counts: ByteCounts): Copying => {
      bytes = counts;
      return copying as unknown as Copying;
    };
    const opened = this.open({
      ...{ client: client as unknown as Socket, dialled, copy, follow, wire: plainBytes },
    });
    const session: FakeSession = Object.assign(opened, played);
    client.on('close', () => {
      session.closes += 1;
    });
    return session;
  }
}

/** Such as `open`, or `closed evicted`. */
export function stateOf({ state }: Session): string {
  return state.kind === 'open' ? 'open' : `${state.kind} ${state.reason}`;
}

/** Is it ending, or over? */
export function isEnding({ state }: Session): boolean {
  return state.kind === 'finishing' || state.kind === 'closed';
}

const { headers, ping } = frameTypes;
/** Of a call, and what a client says when it has understood that it is to leave. */
export const question = frame(headers, endHeaders | endStream, 1, 10);
export const answer = frame(headers, endHeaders | endStream, 1, 10);
export const acknowledged = frame(ping, acknowledgement, 0, 8);

/** Has the calls of a session followed, which both have begun. */
export function follow(session: FakeSession): FakeSession {
  session.calls?.followClient(clientPreface, clientPreface.length);
  say(session, 'client', settings);
  say(session, 'member', settings);
  return session;
}

export function say({ calls }: FakeSession, who: 'client' | 'member', ...frames: Frame[]): void {
  const bytes = encode(frames);
  if (who === 'client') calls?.followClient(bytes, bytes.length);
  else calls?.followMember(bytes, bytes.length);
}
