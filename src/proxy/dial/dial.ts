/**
 * Dialling: finds a member that connects for a client that waits.
 *
 * gRPC clients back off after a connection that fails before it is usable. So the client waits while
 * members are tried, each at most once, until one connects or the budget is used up. When one refuses,
 * the next is tried at once. When one has not connected soon, a second is tried in a race.
 *
 *   m1 ──refused
 *      m2 ───────────── no answer yet ─ ─ ─ ─ (dropped when m0 connects)
 *                    └ race after 250 ms
 *                      m0 ── connected ──► session
 *
 * Owns the attempts of one dial and their load leases. balancing/ decides whom to pick, health/ what a
 * failure means.
 */

import type { LookupFunction, Socket, TcpNetConnectOpts } from 'node:net';
import { TLSSocket } from 'node:tls';
import type { Policy } from '../../balancing/policies/policy.ts';
import type { Snapshot } from '../../balancing/snapshot.ts';
import type { LiveSettings } from '../../config/live-settings.ts';
import type { Settings } from '../../config/settings.ts';
import { formatDuration } from '../../config/values/duration.ts';
import { classify, type Failure } from '../../lib/net/failure.ts';
import type { QueuedTimer, TimerQueue } from '../../lib/time/timer-queue.ts';
import { LoadLease } from '../../members/load-lease.ts';
import type { Member } from '../../members/member.ts';
import { learnConnectTime, raceAfter } from './connect-times.ts';

/** The options of `net.connect`, and the member that is dialled. */
export interface ConnectOptions extends TcpNetConnectOpts {
  readonly member: Member;
}

export interface DialOptions {
  readonly settings: LiveSettings<Pick<Settings, 'dialTimeout' | 'dialRaceAfter' | 'keepalive'>>;
  readonly policy: Policy;
  /** Where connections may go now. Called before each attempt. */
  readonly snapshot: () => Snapshot;
  /** Looks up the addresses of a host name. */
  readonly lookup: LookupFunction;
  /** `net.connect`, or a replacement that fits the copier, with TLS or without. */
  readonly connect: (options: ConnectOptions) => Socket;
  /** Measures the budget of the dial and the wait before a race. */
  readonly timers: TimerQueue;
  /** Is the other end of this socket the balancer itself? */
  readonly isSelf: (socket: Socket, port: number) => boolean;
  /** Called when an attempt has ended. */
  readonly onAttempt: (member: Member, attempt: DialAttempt) => void;
}

/** How an attempt ended; `duration` in ms. `abandoned`: another member was quicker. */
export type DialAttempt = AttemptEnd & { readonly duration: number };
type AttemptEnd =
  | { readonly result: 'connected' | 'abandoned' }
  | { readonly result: 'failed'; readonly failure: Failure };

/** A connected member. The socket is paused and unread. Whoever takes it over must release the lease. */
export interface Dialled {
  readonly member: Member;
  readonly lease: LoadLease;
  readonly socket: Socket;
  /** How many members were tried before this one; 0 for the first pick. */
  readonly failovers: number;
}

/**
 * Tries members until one connects. Resolves with `undefined` if all fail, if the budget is used up, or
 * if `signal` aborts. Never rejects.
 */
export function dial(options: DialOptions, signal: AbortSignal): Promise<Dialled | undefined> {
  return new Promise((resolve) => new Dial(options, signal, resolve));
}

interface Attempt extends Omit<Dialled, 'failovers'> {
  readonly startedAt: number;
}

class Dial {
  readonly #options: DialOptions;
  readonly #signal: AbortSignal;
  readonly #resolve: (dialled: Dialled | undefined) => void;
  readonly #tried: Member[] = [];
  readonly #pending = new Set<Attempt>();
  readonly #budget: QueuedTimer;
  readonly #onAbort = (): void => this.#finish();
  #race: QueuedTimer | undefined;
  #finished = false;

  constructor(
    options: DialOptions,
    signal: AbortSignal,
    resolve: (dialled: Dialled | undefined) => void,
  ) {
    this.#options = options;
    this.#signal = signal;
    this.#resolve = resolve;
    this.#budget = options.timers.set(options.settings.current.dialTimeout, () => this.#giveUp());
    signal.addEventListener('abort', this.#onAbort, { once: true });
    if (signal.aborted) this.#finish();
    else this.#tryNext();
  }

  #tryNext(): void {
    if (this.#finished) return;
    this.#options.timers.cancel(this.#race);
    const { routable, all } = this.#options.snapshot();
    const { policy, settings, timers } = this.#options;
    const member = policy(routable, this.#tried) ?? policy(all, this.#tried);
    if (member === undefined) {
      if (this.#pending.size === 0) this.#finish();
      return;
    }
    const wait = raceAfter(member, settings.current.dialRaceAfter);
    this.#race = timers.set(wait, () => this.#tryNext());
    this.#attempt(member);
  }

  #attempt(member: Member): void {
    const { keepalive } = this.#options.settings.current;
    this.#tried.push(member);
    const socket = this.#options.connect({
      member,
      host: member.host,
      port: member.port,
      lookup: this.#options.lookup,
      allowHalfOpen: true,
      noDelay: true,
      keepAlive: keepalive > 0,
      keepAliveInitialDelay: keepalive,
    });
    socket.pause(); // nothing is read before there is a session
    const lease = new LoadLease(member);
    const attempt: Attempt = { member, lease, socket, startedAt: performance.now() };
    this.#pending.add(attempt);
    socket.once('connect', () => this.#refuseSelf(attempt));
    const usable = socket instanceof TLSSocket ? 'secureConnect' : 'connect';
    socket.once(usable, () => this.#connected(attempt));
    socket.on('error', (error) => this.#failed(attempt, classify(error)));
  }

  /** Runs before any byte is sent: a connection to ourselves is a new client, which would be dialled for again. */
  #refuseSelf(attempt: Attempt): void {
    if (!this.#options.isSelf(attempt.socket, attempt.member.port)) return;
    this.#failed(attempt, { reason: 'self', detail: 'this endpoint is the balancer itself' });
  }

  #connected(attempt: Attempt): void {
    const { member, socket, startedAt } = attempt;
    if (!this.#pending.has(attempt) || socket.destroyed) return;
    if (this.#options.snapshot().evicted.has(member)) {
      // It was marked failed during the dial. A hung process still connects.
      const detail = 'the member failed its checks meanwhile';
      this.#failed(attempt, { reason: 'unhealthy', detail });
      return;
    }
    learnConnectTime(member, performance.now() - startedAt);
    this.#end(attempt, { result: 'connected' });
    this.#finish({ ...attempt, failovers: this.#tried.indexOf(member) });
  }

  #failed(attempt: Attempt, failure: Failure): void {
    if (this.#end(attempt, { result: 'failed', failure })) this.#tryNext();
  }

  #giveUp(): void {
    const detail = `not connected within ${formatDuration(this.#options.settings.current.dialTimeout)}`;
    const failure: Failure = { reason: 'timeout', detail };
    for (const attempt of this.#pending) this.#end(attempt, { result: 'failed', failure });
    this.#finish();
  }

  /** Ends an attempt and reports how. Returns false if it had already ended. */
  #end(attempt: Attempt, end: AttemptEnd): boolean {
    if (!this.#pending.delete(attempt)) return false;
    const { member, lease, socket, startedAt } = attempt;
    if (end.result !== 'connected') {
      lease.release();
      socket.destroy();
    }
    this.#options.onAttempt(member, { ...end, duration: performance.now() - startedAt });
    return true;
  }

  #finish(dialled?: Dialled): void {
    this.#finished = true;
    const { timers } = this.#options;
    timers.cancel(this.#budget);
    timers.cancel(this.#race);
    this.#signal.removeEventListener('abort', this.#onAbort);
    for (const attempt of this.#pending) this.#end(attempt, { result: 'abandoned' });
    this.#resolve(dialled);
  }
}
