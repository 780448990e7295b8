/** A session as operators see it. */
import type { CallsState } from '../proxy/http2/calls.ts';
import type { CloseReason, Session } from '../proxy/sessions/sessions.ts';

/** Durations are in ms. */
export interface SessionStatus {
  readonly id: number;
  readonly member: string;
  /** Address and port; absent on a Unix socket. */
  readonly client?: string;
  readonly ageMs: number;
  /** Since either side last said something, as far as the last look knows (50 to 250 ms ago). */
  readonly idleMs: number;
  readonly bytesFromClient: number;
  readonly bytesFromMember: number;
  /** Absent where bytes are opaque. */
  readonly calls?: { readonly state: CallsState; readonly inFlight: number };
  /** Why it is to end, if it is. */
  readonly leaving?: CloseReason;
}

/** @param now ms of `performance.now()`. */
export function statusOf(session: Session, now: number): SessionStatus {
  const { id, member, openedAt, activity, bytes, calls, leaving } = session;
  const client = session.clientAddress();
  return {
    id,
    member: member.name,
    ...(client !== undefined && { client }),
    ageMs: Math.round(now - openedAt),
    idleMs: Math.max(0, Math.round(now - activity.changedAt)),
    bytesFromClient: bytes.client,
    bytesFromMember: bytes.member,
    ...(calls && { calls: { state: calls.state, inFlight: calls.inFlight } }),
    ...(leaving && { leaving }),
  };
}
