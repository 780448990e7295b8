/**
 * Notices: events that would be too many one by one, told together.
 *
 * Owns when they are told, and the counting until then.
 */
import type { Member } from '../../members/member.ts';
import type { RejectReason } from '../../proxy/data-path.ts';
import type { HandshakeFailure } from '../../proxy/tls/downstream.ts';
import type { EventBody } from './event-log.ts';
import { handshakesFailed } from './tls-events.ts';
import { clientsRejected, sessionsMoved } from './traffic-events.ts';

/** Turned-away clients are told of at most this often, ms; the metric counts each. */
const rejectionInterval = 10_000;
/** Moves are told together once none has followed for this long, ms. */
const movesEnd = 1_000;

/** Tells of turned-away clients, the first at once and then at most every interval, counted. */
export function rejectionNotices(
  record: (body: EventBody) => void,
): (reason: RejectReason) => void {
  return paced((reason, clients) => record(clientsRejected(reason, clients)));
}

/** The same for failed handshakes of clients. */
export function handshakeNotices(
  record: (body: EventBody) => void,
): (reason: HandshakeFailure) => void {
  return paced((reason, clients) => record(handshakesFailed(reason, clients)));
}

function paced<Reason>(tell: (reason: Reason, clients: number) => void) {
  const untold = new Map<Reason, number>();
  const toldAt = new Map<Reason, number>();
  return (reason: Reason): void => {
    const clients = (untold.get(reason) ?? 0) + 1;
    const now = performance.now();
    const due = now - (toldAt.get(reason) ?? Number.NEGATIVE_INFINITY) >= rejectionInterval;
    untold.set(reason, due ? 0 : clients);
    if (!due) return;
    toldAt.set(reason, now);
    tell(reason, clients);
  };
}

/** Tells of moved sessions when a rebalancing has come to rest. */
export class MoveNotices {
  readonly #members: () => readonly Member[];
  readonly #record: (body: EventBody) => void;
  readonly #moved = new Map<Member, number>();
  #lastAt = 0;

  /** @param members those there are. */
  constructor(members: () => readonly Member[], record: (body: EventBody) => void) {
    this.#members = members;
    this.#record = record;
  }

  /** A session was moved from a member at `now`, ms of `performance.now()`. */
  moved(member: Member, now: number): void {
    this.#moved.set(member, (this.#moved.get(member) ?? 0) + 1);
    this.#lastAt = now;
  }

  /** To be called now and then: tells what has come to rest by `now`. */
  beat(now: number): void {
    if (this.#moved.size === 0 || now - this.#lastAt < movesEnd) return;
    this.#record(sessionsMoved(this.#moved, this.#members()));
    this.#moved.clear();
  }
}
