/**
 * A session: a client connection that is joined to a member, from the first byte to the last.
 *
 *   open ──► asked (GOAWAY, not part of the load) ──► finishing (no call in flight) ──► closed
 *     └────────────────┴──────────────────────────────┴──────── cut, or ended by a peer ──┘
 *
 * Owns its state, its activity, and its lease on the member's load. drainer.ts decides when it leaves.
 */
import type { Socket } from 'node:net';
import type { LoadLease } from '../../members/load-lease.ts';
import type { Member } from '../../members/member.ts';
import type { Dialled } from '../dial/dial.ts';
import type { Calls } from '../http2/calls.ts';
import { ByteCounts, type Wire } from '../relay/byte-counts.ts';
import type { Copier } from '../relay/copier.ts';
import { Relay, type RelayEnd } from '../relay/relay.ts';
import { Activity, type Counted, sample } from './activity.ts';

/** All reasons why a session can end. A list, so that metrics show each before it first happens. */
export const endReasons = [
  'client-closed',
  'member-closed',
  'client-reset',
  'member-reset',
  'evicted',
  'rebalanced',
  'removed',
  'drained',
  'paused',
  'operator',
  'silent',
  'shutdown',
] as const;

/** Why a session ended. Used as a metric label. */
export type EndReason = (typeof endReasons)[number];

/** Why we close a session. */
export type CloseReason = Exclude<EndReason, RelayEnd>;

/** `since` is ms of `performance.now()`. */
export type SessionState =
  | { readonly kind: 'open' }
  | { readonly kind: 'asked' | 'finishing'; readonly reason: CloseReason; readonly since: number }
  | { readonly kind: 'closed'; readonly reason: EndReason };

export interface SessionOptions {
  readonly client: Socket;
  readonly dialled: Dialled;
  readonly copy: Copier;
  /** Lengths that tell questions from acknowledgements. */
  readonly wire: Wire;
  /** Follow the calls? Only possible if the bytes are plain. */
  readonly follow: boolean;
}

export class Session {
  /** Unique within this process. */
  readonly id: number;
  readonly member: Member;
  /** ms of `performance.now()`. */
  readonly openedAt = performance.now();
  readonly bytes: Counted;
  /** As of the last sample. */
  readonly activity: Readonly<Activity>;
  /** Its calls; undefined if they are not followed. */
  readonly calls: Calls | undefined;
  readonly relay: Omit<Relay, 'close' | 'finish' | 'inject'>;
  readonly #relay: Relay;
  readonly #activity = new Activity(this.openedAt);
  readonly #lease: LoadLease;
  #state: SessionState = { kind: 'open' };

  /**
   * Takes over both sockets and the load lease.
   *
   * @param onActivity called with the first bytes after `noted` was reset.
   * @param onEnd called once, later, when both sockets are closed.
   * @throws if one of the sockets is already destroyed.
   */
  constructor(
    id: number,
    { client, dialled, copy, wire }: SessionOptions,
    calls: Calls | undefined,
    onActivity: (session: Session) => unknown,
    onEnd: (session: Session, reason: EndReason) => void,
  ) {
    const bytes: ByteCounts = new ByteCounts(wire, () => {
      bytes.noted = true;
      onActivity(this);
    });
    const ended = (end: RelayEnd): void => onEnd(this, this.#ended(end));
    this.#relay = new Relay({ client, member: dialled.socket }, copy, bytes, ended, calls);
    this.relay = this.#relay;
    this.activity = this.#activity;
    this.id = id;
    this.member = dialled.member;
    this.#lease = dialled.lease;
    this.bytes = bytes;
    this.calls = calls;
  }

  get state(): SessionState {
    return this.#state;
  }

  /** Updates its activity at `now`, ms of `performance.now()`. */
  sample(now: number): void {
    sample(this.#activity, this.bytes, now);
  }

  /**
   * Asks the client to make its next calls elsewhere, if its calls are followed. From then on the session is
   * not part of the member's load.
   */
  askToLeave(reason: CloseReason): void {
    if (this.calls === undefined || this.#state.kind !== 'open') return;
    this.#state = { kind: 'asked', reason, since: performance.now() };
    this.#lease.release();
    if (this.calls.requestGoAway()) this.#relay.inject(this.calls.injection);
  }

  /** Ends a session that was asked to leave in order. Call it when no call is in flight. `close` still cuts it. */
  finish(): void {
    if (this.#state.kind !== 'asked') return;
    this.#state = { ...this.#state, kind: 'finishing', since: performance.now() };
    this.#relay.finish();
  }

  /**
   * Closes both sockets at once, so that the client notices and reconnects elsewhere. Returns whether that
   * cuts the session: false if it was already ending.
   */
  close(reason: CloseReason): boolean {
    const before = this.#state;
    if (before.kind === 'closed') return false;
    const isEnding = before.kind === 'finishing';
    this.#state = { kind: 'closed', reason: isEnding ? before.reason : reason };
    this.#relay.close();
    return !isEnding;
  }

  #ended(end: RelayEnd): EndReason {
    const state = this.#state;
    // A client that was asked to leave, and has no more calls, closes the connection itself.
    const isOurs = end === 'closed-by-us' || (end === 'client-closed' && !this.#lease.isHeld);
    const reason = isOurs && state.kind !== 'open' ? state.reason : (end as EndReason);
    this.#state = { kind: 'closed', reason };
    this.#lease.release();
    this.calls?.end();
    return reason;
  }
}
