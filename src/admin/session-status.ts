/** A session as operators see it. */
import type { CallsState } from '../proxy/http2/calls.ts';
import type { EndReason, Session } from '../proxy/sessions/session.ts';

/** Durations are in ms. */
export interface SessionStatus {
  readonly id: number;
  readonly member: string;
  /** Address and port; absent on a Unix socket. */
  readonly client?: string;
  readonly ageMs: number;
  /** Since the last activity of either side, as of the last sample (50 to 250 ms ago). */
  readonly idleMs: number;
  readonly bytesFromClient: number;
  readonly bytesFromMember: number;
  /** Absent where bytes are opaque. */
  readonly calls?: { readonly state: CallsState; readonly inFlight: number };
  /** Why it must end, if it must. */
  readonly leaving?: EndReason;
}

/** @param now ms of `performance.now()`. */
export function statusOf(session: Session, now: number): SessionStatus {
  const { id, member, openedAt, activity, bytes, calls, state, relay } = session;
  const client = relay.clientAddress();
  return {
    id,
    member: member.name,
    ...(client !== undefined && { client }),
    ageMs: Math.round(now - openedAt),
    idleMs: Math.max(0, Math.round(now - activity.changedAt)),
    bytesFromClient: bytes.client,
    bytesFromMember: bytes.member,
    ...(calls && { calls: { state: calls.state, inFlight: calls.inFlight } }),
    ...(state.kind !== 'open' && { leaving: state.reason }),
  };
}
