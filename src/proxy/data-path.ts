/**
 * The data path, from an accepted connection to a session:
 *
 *   listener ──► admission ──► reception ──► dial ──► session
 *                   │             │            └── no member answers: the client is reset
 *                   │             └── where we speak TLS: no handshake, or no request
 *                   └── too many, or too many of one address: the client is reset
 *
 * Owns the connections that wait for a member. Asks the snapshot and the policy where to go and
 * obeys; knows nothing of health.
 */
import type { Socket } from 'node:net';
import { TimerQueue } from '../lib/timer-queue.ts';
import { handOver } from '../lib/unexpected.ts';
import type { Member } from '../members/member.ts';
import { meanConnectTime, raceAfter } from './dial/connect-times.ts';
import { type DialAttempt, type DialOptions, dial } from './dial/dial.ts';
import { Sources } from './listen/sources.ts';
import { plainBytes, withinTls } from './relay/byte-counts.ts';
import type { Copier } from './relay/copier.ts';
import { resetConnection } from './relay/relay.ts';
import { Farewells } from './sessions/farewells.ts';
import { type EndReason, type Session, Sessions } from './sessions/sessions.ts';
import type { AcceptedClient } from './tls/handshake.ts';

/** Why a client was turned away. Used as a metric label. */
export const rejectReasons = [
  'limit',
  'source-limit', // its address has its share of the connections
  'no-member',
  'accept-failed',
  'no-request',
  'silent', // it has said nothing since it came
] as const;
export type RejectReason = (typeof rejectReasons)[number];

/** What others may want to know; none of it is called per chunk. */
export interface DataPathObserver {
  attempted(member: Member, attempt: DialAttempt): void;
  opened(session: Session, failovers: number): void;
  ended(session: Session, reason: EndReason): void;
  rejected(reason: RejectReason): void;
}

export interface DataPathOptions extends Omit<DialOptions, 'onAttempt' | 'raceAfter' | 'alarms'> {
  /** How long an attempt may take before the next member is tried beside it, at most, ms. */
  readonly raceAfter: number;
  /** Client connections at the same time, waiting ones included. */
  readonly maxConnections: number;
  /** The part of them that may come from one address, percent. */
  readonly maxSourceShare: number;
  readonly copy: Copier;
  /** What comes before the dial, if anything; see `Reception`. `undefined`: there is nobody to serve. */
  readonly receive?: (client: Socket, signal: AbortSignal) => Promise<AcceptedClient | undefined>;
  /** Are the bytes of a session with this member plain, or within TLS that we pass through? */
  readonly isPlain: (member: Member) => boolean;
  /** Are the calls of a session with this member to be followed, where its bytes are plain? */
  readonly follows: (member: Member) => boolean;
  readonly observer: DataPathObserver;
}

export class DataPath {
  readonly sessions: Sessions;
  readonly farewells: Farewells;
  readonly #options: DataPathOptions;
  readonly #dialOptions: DialOptions;
  readonly #dials = new AbortController();
  readonly #sources = new Sources();
  readonly #sourceOf = new Map<Session, string>();
  #waiting = 0;
  readonly #onIdle: (() => void)[] = [];

  constructor(options: DataPathOptions) {
    const { observer } = options;
    this.#options = options;
    this.#dialOptions = {
      ...options,
      get policy() {
        return options.policy;
      },
      get timeout() {
        return options.timeout;
      },
      alarms: new TimerQueue(),
      raceAfter: ({ connectTime }) => raceAfter(connectTime, options.raceAfter),
      onAttempt: (member, attempt) => {
        if (attempt.result === 'connected') {
          member.connectTime = meanConnectTime(member.connectTime, attempt.duration);
        }
        observer.attempted(member, attempt);
      },
    };
    this.sessions = new Sessions((session, reason) => {
      this.#sources.release(this.#sourceOf.get(session));
      this.#sourceOf.delete(session);
      observer.ended(session, reason);
      this.#settle();
    });
    this.farewells = new Farewells(this.sessions);
  }

  /** Clients that wait for a member. */
  get waiting(): number {
    return this.#waiting;
  }

  /** Are the calls of sessions with this member followed? */
  follows(member: Member): boolean {
    return this.#options.isPlain(member) && this.#options.follows(member);
  }

  /** Takes an accepted, paused and unread connection to a member. Never throws. */
  accept(client: Socket): void {
    const { maxConnections, maxSourceShare, observer } = this.#options;
    client.on('error', () => {}); // a client that is gone while it waits is noticed below
    if (this.#waiting + this.sessions.count >= maxConnections) {
      observer.rejected('limit');
      resetConnection(client);
      return;
    }
    const source = client.remoteAddress;
    if (!this.#sources.take(source, Math.ceil((maxConnections * maxSourceShare) / 100))) {
      observer.rejected('source-limit');
      resetConnection(client);
      return;
    }
    this.#serve(client, source).catch((error: unknown) => {
      handOver(error); // of one client, which is all that it costs
      resetConnection(client);
    });
  }

  /** Closes the sessions whose clients have said nothing since `before`, ms of `performance.now()`. */
  closeSilent(before: number): void {
    for (const session of this.sessions.silentSince(before)) {
      // What waits to be read, as in a hold, is said.
      if (!session.catchUp() && session.close('silent')) this.#options.observer.rejected('silent');
    }
  }

  /** Resolves when no client waits and no session is open. */
  idle(): Promise<void> {
    return new Promise((resolve) => {
      this.#onIdle.push(resolve);
      this.#settle();
    });
  }

  /**
   * Ends everything at once: waiting clients and sessions. Returns how many sessions were cut, which are those
   * that were not ending already.
   */
  close(): number {
    this.#dials.abort();
    this.farewells.stop();
    return this.sessions.closeAll('shutdown');
  }

  async #serve(accepted: Socket, source: string | undefined): Promise<void> {
    const { observer, copy, isPlain, receive } = this.#options;
    this.#waiting += 1;
    const { signal } = this.#dials;
    const received = receive && (await receive(accepted, signal));
    if (receive !== undefined && received === undefined) {
      this.#waiting -= 1;
      this.#sources.release(source);
      accepted.destroy();
      this.#settle();
      return;
    }
    const client = received?.client ?? accepted;
    const options = received
      ? { ...this.#dialOptions, connect: received.connect }
      : this.#dialOptions;
    const dialled = await dial(options, signal);
    this.#waiting -= 1;
    if (dialled === undefined) {
      if (!signal.aborted) observer.rejected('no-member');
      this.#sources.release(source);
      resetConnection(client);
    } else if (client.destroyed) {
      this.#sources.release(source);
      dialled.member.load -= 1;
      dialled.socket.destroy();
    } else {
      const { member } = dialled;
      const wire = isPlain(member) ? plainBytes : withinTls;
      const session = this.sessions.open(client, dialled, copy, this.follows(member), wire);
      if (source !== undefined) this.#sourceOf.set(session, source);
      observer.opened(session, dialled.failovers);
    }
    this.#settle();
  }

  #settle(): void {
    if (this.#waiting > 0 || this.sessions.count > 0) return;
    for (const resolve of this.#onIdle.splice(0)) resolve();
  }
}
