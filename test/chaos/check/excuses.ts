/**
 * Every failed call has an excuse: it was in flight where a fault hit at that moment, or nobody led for so
 * long that no balancer could have helped. Calls without one are what all of this is about.
 */
import type { CallRecord, SocketRecord } from '../clients/record.ts';
import type { Hit } from '../scene/hit.ts';
import type { Finding } from './finding.ts';

/** A session of the balancer with a member. Times as in records. */
export interface SessionSpan {
  /** Why it ended, and what the client had said then, as the balancer knows; absent while it is open. */
  readonly reason?: string;
  readonly bytes?: { readonly client: number };
  /** The client's own port; 0 where it is not known. */
  readonly port: number;
  readonly member: string;
  readonly from: number;
  readonly until: number;
}

export interface Span {
  readonly from: number;
  readonly until: number;
}

export interface Circumstances {
  readonly hits: readonly Hit[];
  readonly sessions: readonly SessionSpan[];
  readonly sockets: readonly SocketRecord[];
  /** When nobody led. */
  readonly leaderless: readonly Span[];
  /** Are bytes opaque to the balancer, so that it cannot ask a client to leave? */
  readonly isOpaque: boolean;
  /** The name of the member with this id. */
  readonly nameOf: (id: string) => string | undefined;
  /** Where a member is: one that replaces another may go by its name. */
  readonly placeOf: (name: string) => string | undefined;
}

/** Nobody leads for this long: longer than any hold can bridge within a call's deadline, ms. */
const beyondHolding = 3_500;

/** Less than this is a word of a member that came late, ms. */
const election = 300;

export interface Judged {
  readonly call: CallRecord;
  readonly members: readonly string[];
  readonly excuse: string | undefined;
  /** How long after the begin of what excuses it the call began, ms; below 0 where it was before. */
  readonly after: number;
}

/** All failed calls, each with its excuse if it has one. */
export function judge(calls: readonly CallRecord[], about: Circumstances): readonly Judged[] {
  return calls
    .filter(({ error }) => error !== undefined)
    .map((call) => {
      const members = membersOf(call, calls, about);
      const { what, from } = excuseOf(call, members, about) ?? {};
      return { call, members, excuse: what, after: call.begun - (from ?? call.begun) };
    });
}

export function withoutExcuse(judged: readonly Judged[]): readonly Finding[] {
  return judged
    .filter(({ excuse }) => excuse === undefined)
    .map(({ call, members }) => ({
      check: 'excuses',
      at: call.ended,
      what: `${call.client} failed without an excuse: ${call.op} of ${call.key}, ${Math.round(call.ended - call.begun)} ms, at ${members.join(' or ') || 'nobody knows whom'}: ${call.error}`,
    }));
}

function excuseOf(
  call: CallRecord,
  members: readonly string[],
  about: Circumstances,
): Pick<Hit, 'what' | 'from'> | undefined {
  const { hits, leaderless, placeOf } = about;
  const places = members.map(placeOf);
  // Without a leader nobody is healthy, and nobody is closed.
  const endsInTime = ({ from, endsBy = Number.POSITIVE_INFINITY }: Hit, { ended }: CallRecord) =>
    ended <= endsBy ||
    leaderless.some(
      (span) => span.until - span.from >= election && span.until > from && span.from < ended,
    );
  const hit = hits.find((each) => {
    const { reach } = each;
    const isThere =
      typeof reach === 'string' || places.length === 0 || places.includes(placeOf(reach.member));
    return overlaps(call, each) && isThere && concerns(each, call) && endsInTime(each, call);
  });
  if (hit) return hit;
  const crossed = about.isOpaque && crossing(call, about.sessions);
  if (crossed) return { what: crossedEnd, from: crossed.until };
  const without = leaderless.find(
    ({ from, until }) =>
      until - from >= beyondHolding && overlaps(call, { from, until: until + 1_000 }),
  );
  if (without === undefined) return undefined;
  const { from, until } = without;
  return { what: `nobody led for ${Math.round(until - from)} ms`, from };
}

/** The excuse of a call that was asked while its opaque session was being closed. */
export const crossedEnd = 'it crossed the end of its connection';

/** Sessions that are closed by the balancer between two calls. */
const closed = /^(rebalanced|drained|removed|shutdown)$/;

/**
 * A call that was asked while its connection was being closed, and that the balancer had not heard of: where it
 * cannot say GOAWAY, whoever asks in that very moment loses.
 */
function crossing(
  { said = {}, begun, ended }: CallRecord,
  sessions: readonly SessionSpan[],
): SessionSpan | undefined {
  return sessions.find(
    ({ port, reason = '', bytes, until }) =>
      closed.test(reason) &&
      bytes !== undefined &&
      bytes.client <= (said[port] ?? Number.NEGATIVE_INFINITY) &&
      until >= begun - slack &&
      until <= ended + slack,
  );
}

/** Between the clocks of the log and of clients, ms. */
const slack = 50;

function overlaps({ begun, ended }: CallRecord, { from, until }: Span): boolean {
  return begun <= until && ended >= from;
}

/** What clients say of a connection that never stood. */
const unconnected = /No connection established|Failed to connect|before secure TLS|ECONNREFUSED/;

function concerns({ reach, errors }: Hit, { error = '', shortLived }: CallRecord): boolean {
  const isNew = shortLived || unconnected.test(error);
  return (errors?.test(error) ?? true) && (reach !== 'new-connections' || isNew);
}

/**
 * Where a call may have been: the members of the sessions that its client had meanwhile. Where connections
 * have no ports, those that answered the client before and after.
 */
function membersOf(
  call: CallRecord,
  calls: readonly CallRecord[],
  { sockets, sessions, nameOf }: Circumstances,
): readonly string[] {
  const ports = sockets
    .filter(
      ({ client, port, opened, closed = Number.POSITIVE_INFINITY }) =>
        client === call.client && port !== 0 && opened <= call.ended && closed >= call.begun,
    )
    .map(({ port }) => port);
  const members = sessions
    .filter((each) => ports.includes(each.port) && overlaps(call, each))
    .map(({ member }) => member);
  // Each of its connections may be to another member.
  if (members.length > 0 || call.shortLived) return [...new Set(members)];
  const answered = calls.filter(({ client, member }) => client === call.client && member);
  const before = answered.findLast(({ ended }) => ended <= call.begun);
  const after = answered.find(({ begun }) => begun >= call.ended);
  const named = [before, after].map((each) => nameOf(each?.member ?? ''));
  return [...new Set(named.filter((name) => name !== undefined))];
}
