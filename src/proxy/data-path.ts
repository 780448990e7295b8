/**
 * The data path, from an accepted connection to a session:
 *
 *   listener ──► admission ──► pause ──► handshake ──► dial ──► session
 *                   │            │           │            └── no member answers: the client is reset
 *                   │            │           └── only where we speak TLS: the handshake fails, or no request comes
 *                   │            └── it waits, or is reset, while nobody gets a member
 *                   └── too many connections in all, or from one address: the client is reset
 *
 * Owns the connections that wait for a member. It asks the snapshot and the policy where to go; it
 * knows nothing about health.
 */
import type { Socket } from 'node:net';
import type { LiveSettings } from '../config/live-settings.ts';
import type { Settings } from '../config/settings.ts';
import { TimerQueue } from '../lib/time/timer-queue.ts';
import { attempt, handOver } from '../lib/unexpected.ts';
import type { Member } from '../members/member.ts';
import { ClientTotals, type RejectReason } from './client-totals.ts';
import { type DialAttempt, type Dialled, type DialOptions, dial } from './dial/dial.ts';
import { Sources } from './listen/sources.ts';
import { Pause } from './pause.ts';
import { plainBytes, withinTls } from './relay/byte-counts.ts';
import type { Copier } from './relay/copier.ts';
import { resetConnection } from './relay/relay.ts';
import { Drainer } from './sessions/drainer.ts';
import type { EndReason, Session } from './sessions/session.ts';
import { Sessions } from './sessions/sessions.ts';
import type { ClientHandshakes } from './tls/handshake.ts';

/** Callbacks for observation. None is called per chunk. */
export interface DataPathObserver {
  attempted(member: Member, attempt: DialAttempt): void;
  opened(session: Session, failovers: number): void;
  ended(session: Session, reason: EndReason): void;
  rejected(reason: RejectReason): void;
}

type DataPathSettings = DialOptions['settings']['current'] &
  Pick<Settings, 'maxConnections' | 'maxSourceShare' | 'followCalls'>;

export interface DataPathOptions extends Omit<DialOptions, 'timers' | 'onAttempt'> {
  readonly settings: LiveSettings<DataPathSettings>;
  readonly copy: Copier;
  /** The client handshake, where we speak TLS ourselves. Resolves with `undefined` if nobody is left to serve. */
  readonly receive?: ClientHandshakes['receive'];
  readonly observer: DataPathObserver;
}

export class DataPath {
  readonly sessions = new Sessions();
  readonly drainer = new Drainer(this.sessions);
  readonly pause = new Pause(this.sessions, this.drainer);
  readonly totals = new ClientTotals();
  readonly #options: DataPathOptions;
  readonly #dialOptions: DialOptions;
  readonly #dials = new AbortController();
  readonly #sources = new Sources();
  readonly #sourceOf = new WeakMap<Session, string>();
  #waiting = 0;
  readonly #onIdle: (() => void)[] = [];

  constructor(options: DataPathOptions) {
    const { observer } = options;
    this.#options = options;
    this.#dialOptions = {
      ...options,
      timers: new TimerQueue(),
      onAttempt: (member, ended) => attempt(() => observer.attempted(member, ended)),
    };
    this.sessions.onEnd((session, reason) => {
      this.#sources.release(this.#sourceOf.get(session));
      attempt(() => observer.ended(session, reason));
      this.#settle();
    });
  }

  /** The number of clients that wait for a member. */
  get waiting(): number {
    return this.#waiting;
  }

  /** How many clients it serves at a time, waiting ones included. */
  get maxConnections(): number {
    return this.#options.settings.current.maxConnections;
  }

  /** Are the calls of sessions with this member followed? */
  follows(member: Member): boolean {
    return this.#isPlain(member) && this.#options.settings.current.followCalls;
  }

  /** Takes an accepted, paused and unread connection to a member. Never throws. */
  accept(client: Socket): void {
    const { maxConnections, maxSourceShare } = this.#options.settings.current;
    client.on('error', () => {}); // `#join` notices a client that left while it waited
    const source = client.remoteAddress;
    const most = Math.ceil((maxConnections * maxSourceShare) / 100);
    const isFull = this.#waiting + this.sessions.count >= maxConnections;
    if (isFull || !this.#sources.take(source, most)) {
      this.reject(isFull ? 'limit' : 'source-limit');
      resetConnection(client);
      return;
    }
    this.#waiting += 1;
    void this.#serve(client, source)
      .catch((error: unknown) => {
        handOver(error); // it costs this one client only
        resetConnection(client);
      })
      .then((session) => {
        this.#waiting -= 1;
        if (!session) this.#sources.release(source);
        this.#settle();
      });
  }

  /** Closes the sessions that opened before `before`, ms of `performance.now()`, and whose clients sent nothing. */
  closeSilent(before: number): void {
    for (const session of this.sessions.all()) {
      const { openedAt, bytes, relay } = session;
      // Bytes that wait to be read, as during a hold, count as sent.
      if (openedAt >= before || bytes.client > 0 || relay.catchUp()) continue;
      if (this.drainer.close([session], 'silent') > 0) this.reject('silent');
    }
  }

  /** A client was turned away. */
  reject(reason: RejectReason): void {
    this.totals.reject(reason, Date.now());
    this.#options.observer.rejected(reason);
  }

  /** Resolves when no client waits and no session is open. */
  idle(): Promise<void> {
    return new Promise((resolve) => {
      this.#onIdle.push(resolve);
      this.#settle();
    });
  }

  /**
   * Ends everything at once: waiting clients and sessions. Returns how many sessions were cut; those that
   * were already ending do not count.
   */
  close(): number {
    this.#dials.abort();
    this.pause.stop();
    this.drainer.stop();
    return this.drainer.close(this.sessions.all(), 'shutdown');
  }

  /** Do we see the bytes of a session with this member in plain? False: they are TLS that we pass through. */
  #isPlain(member: Member): boolean {
    return this.#options.receive !== undefined || member.isPlain;
  }

  /** Resolves with the session, or with `undefined` if there is none. */
  async #serve(accepted: Socket, source: string | undefined): Promise<Session | undefined> {
    const { connect, receive } = this.#options;
    const { signal } = this.#dials;
    if (!(await this.pause.passes())) return this.#refuse(accepted);
    const received = receive ? await receive(accepted, signal) : { client: accepted, connect };
    if (received === undefined) {
      accepted.destroy();
      return undefined;
    }
    const { client } = received;
    let dialled: Dialled | undefined;
    do {
      // A pause may have begun during the handshake or the dial.
      dialled?.lease.release();
      dialled?.socket.destroy();
      if (!(await this.pause.passes())) return this.#refuse(client);
      dialled = await dial({ ...this.#dialOptions, connect: received.connect }, signal);
    } while (this.pause.mode !== 'open' && !signal.aborted);
    if (dialled === undefined && !signal.aborted) this.reject('no-member');
    const session = dialled && this.#join(client, dialled);
    if (session === undefined) resetConnection(client);
    else if (source !== undefined) this.#sourceOf.set(session, source);
    return session;
  }

  /** The client waited, and clients are refused now. */
  #refuse(client: Socket): undefined {
    if (!this.#dials.signal.aborted) this.reject('paused');
    resetConnection(client);
  }

  /** Returns `undefined` if one of the two connections has closed meanwhile. */
  #join(client: Socket, dialled: Dialled): Session | undefined {
    const { observer, copy } = this.#options;
    const { member, lease, socket, failovers } = dialled;
    const wire = this.#isPlain(member) ? plainBytes : withinTls;
    let session: Session | undefined;
    try {
      if (client.destroyed || socket.destroyed) return undefined;
      const follow = this.follows(member);
      session = this.sessions.open({ client, dialled, copy, wire, follow });
    } finally {
      if (session === undefined) {
        lease.release();
        socket.destroy();
      }
    }
    if (failovers > 0) this.totals.failOver();
    attempt(() => observer.opened(session, failovers));
    return session;
  }

  #settle(): void {
    if (this.#waiting > 0 || this.sessions.count > 0) return;
    for (const resolve of this.#onIdle.splice(0)) resolve();
  }
}
