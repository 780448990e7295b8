/**
 * The hold: while the leader is lost, no byte from a client goes to a member. Pure.
 *
 *              a leader is seen
 *   unled ───────────────────────► led ──── its connection is cut or refused ─────► held
 *     ▲                            ▲ ├───── no answer in time, but from others ───► │ │
 *     │                            │ └───── an operator moves the leader ─────────► │ │
 *     │                            └── a read has succeeded, another leads ─────────┘ │
 *     └──────────────────────────────── `limit` is over ──────────────────────────────┘
 *
 * Why: a follower forwards a write once, to the leader that it knows. If that leader has just died, the
 * write is lost, and its client waits for 5 s and two election timeouts (etcd #5214). Followers believe in
 * a dead leader for an election timeout, 1 to 2 s; the balancer sees the death at once. Meanwhile the
 * clients' requests wait in the kernel, and the next leader answers them.
 *
 * A hold may begin at the first sign, since the next linearizable read ends a wrong one: only a leader that
 * a quorum confirms can answer it (raft thesis section 6.4). After a hold has expired, a leader must be seen
 * before the next hold begins, so a cluster without a quorum is held only once.
 *
 * Owns the states and the transitions. guard.ts asks the members, and proxy/sessions/sessions.ts holds the
 * clients. All times are ms of `performance.now()`.
 */

/** A member that a quorum has elected. */
export interface Leader {
  /** The id in the cluster, hexadecimal. */
  readonly memberId: string;
  readonly term: number;
}

/**
 * Why a hold began. Used as a metric label.
 * - `gone`: the leader cut or refused a connection of ours.
 * - `unresponsive`: it did not answer, while other members did.
 * - `planned`: an operator moves the leader.
 */
export const holdCauses = ['gone', 'unresponsive', 'planned'] as const;
export type HoldCause = (typeof holdCauses)[number];

/**
 * How a hold ended. Used as a metric label.
 * - `confirmed`: a linearizable read has succeeded, so there is a leader.
 * - `elected`: a member leads in a later term.
 * - `expired`: the hold has reached its `limit`.
 * - `cancelled`: the reason is gone; for example etcd refused the move, or the setting was turned off.
 */
export const holdEnds = ['confirmed', 'elected', 'expired', 'cancelled'] as const;
export type HoldEnd = (typeof holdEnds)[number];

export interface Led {
  readonly kind: 'led';
  readonly leader: Leader;
  /** Has the leader itself answered since it last cut or refused a connection? */
  readonly answers: boolean;
  /** When the last request was sent whose answer proves that there is a leader. */
  readonly provenAt: number;
  /** When the last request was sent that another member has answered. */
  readonly othersAt: number;
}

export interface Held {
  readonly kind: 'held';
  /** The leader that is lost or is to be moved. */
  readonly leader: Leader;
  readonly cause: HoldCause;
  readonly since: number;
  readonly until: number;
  /** Has the leader itself answered since? Then its sessions may stay. */
  readonly answers: boolean;
}

export type HoldState = { readonly kind: 'unled' } | Led | Held;

export const unled: HoldState = { kind: 'unled' };

export type HoldEvent =
  /** A member reports that it leads. */
  | { readonly kind: 'leader-seen'; readonly leader: Leader; readonly askedAt: number }
  /** The leader has answered a request that was sent at `askedAt`. */
  | { readonly kind: 'leader-answered'; readonly askedAt: number }
  /** The leader has cut or refused a connection of ours. */
  | { readonly kind: 'leader-cut' }
  | { readonly kind: 'other-answered'; readonly askedAt: number }
  /** A linearizable read that began at `askedAt` has succeeded. */
  | { readonly kind: 'read-succeeded'; readonly askedAt: number }
  | { readonly kind: 'move-asked' }
  /** The event loop stalled for `late` ms: no answer could be seen. */
  | { readonly kind: 'stalled'; readonly late: number }
  /** There is no reason to hold: for example etcd refused the move, or the leader was removed. */
  | { readonly kind: 'called-off' }
  /** `waitingSince`: when the open request to the leader was sent; undefined for none. */
  | { readonly kind: 'time-passed'; readonly waitingSince: number | undefined };

export interface HoldRules {
  /** The longest hold, ms. With 0 no hold begins, and a current one ends. */
  readonly limit: number;
  /** How long the leader may take to answer, ms. */
  readonly patience: number;
}

export interface HoldStep {
  readonly state: HoldState;
  /** Present if a hold ends with this step. */
  readonly end?: HoldEnd;
}

/** The sessions of a hung leader stay at least this long after the begin of the hold, ms. */
const leaveAfter = 100;

/**
 * The next state. Returns the same state if nothing has changed, so that identity shows a change.
 *
 * @param now never before the times in `state`.
 */
export function nextHold(
  state: HoldState,
  event: HoldEvent,
  rules: HoldRules,
  now: number,
): HoldStep {
  switch (state.kind) {
    case 'unled':
      return { state: event.kind === 'leader-seen' ? ledBy(event.leader, event.askedAt) : state };
    case 'led':
      return { state: afterLed(state, event, rules, now) };
    case 'held':
      return afterHeld(state, event, rules, now);
  }
}

/**
 * Must the sessions of the lost leader leave? A hung leader does not read its sockets, so requests sent there
 * are lost, while requests held here are not. But if the leader is only slow, leaving costs calls. So it has
 * more time than until the hold: a wrong hold has ended by then.
 */
export function mustLeave(
  state: HoldState,
  { patience }: Pick<HoldRules, 'patience'>,
  now: number,
): state is Held {
  return (
    state.kind === 'held' &&
    state.cause === 'unresponsive' &&
    !state.answers &&
    now - state.since >= Math.max(leaveAfter, patience)
  );
}

function ledBy(leader: Leader, provenAt: number): Led {
  return { kind: 'led', leader, answers: true, provenAt, othersAt: Number.NEGATIVE_INFINITY };
}

function afterLed(state: Led, event: HoldEvent, rules: HoldRules, now: number): HoldState {
  switch (event.kind) {
    case 'leader-seen': {
      const { leader, askedAt } = event;
      if (leader.term < state.leader.term) return state;
      const isSame = leader.memberId === state.leader.memberId && leader.term === state.leader.term;
      return isSame ? proven(state, askedAt) : ledBy(leader, Math.max(askedAt, state.provenAt));
    }
    case 'leader-answered':
      return { ...proven(state, event.askedAt), answers: true };
    case 'read-succeeded':
      return proven(state, event.askedAt);
    case 'other-answered':
      return { ...state, othersAt: Math.max(state.othersAt, event.askedAt) };
    case 'stalled':
      return proven(state, Math.min(now, state.provenAt + event.late));
    case 'leader-cut':
      // A second cut without an answer in between shows nothing new.
      if (!state.answers) return state;
      return rules.limit > 0 ? heldSince(now, state, 'gone', rules) : { ...state, answers: false };
    case 'move-asked':
      return rules.limit > 0 ? heldSince(now, state, 'planned', rules) : state;
    case 'time-passed': {
      if (event.waitingSince === undefined || rules.limit === 0) return state;
      const since = Math.max(event.waitingSince, state.provenAt);
      // If no other member answers either, this host is cut off, or the machine is slow.
      const isLost = now - since >= rules.patience && state.othersAt >= since;
      return isLost ? heldSince(now, state, 'unresponsive', rules) : state;
    }
    case 'called-off':
      return unled;
  }
}

function proven(state: Led, askedAt: number): Led {
  return askedAt > state.provenAt ? { ...state, provenAt: askedAt } : state;
}

function heldSince(now: number, { leader }: Led, cause: HoldCause, { limit }: HoldRules): Held {
  const answers = cause === 'planned';
  return { kind: 'held', leader, cause, since: now, until: now + limit, answers };
}

function afterHeld(state: Held, event: HoldEvent, { limit }: HoldRules, now: number): HoldStep {
  const { leader, cause, since } = state;
  if (now >= state.until) return { state: unled, end: 'expired' };
  if (limit === 0) return { state: ledAgain(state, now), end: 'cancelled' };
  switch (event.kind) {
    case 'leader-seen':
      if (event.leader.term <= leader.term) return { state };
      return { state: ledBy(event.leader, Math.max(event.askedAt, since)), end: 'elected' };
    case 'read-succeeded':
      // A leader that is about to be moved answers reads until it is moved.
      if (cause === 'planned' || event.askedAt < since) return { state };
      return { state: ledAgain(state, event.askedAt), end: 'confirmed' };
    case 'leader-answered':
      return { state: state.answers ? state : { ...state, answers: true } };
    case 'called-off':
      return { state: cause === 'planned' ? ledAgain(state, now) : unled, end: 'cancelled' };
    default:
      return { state };
  }
}

/** Assumes that the same member leads, until a status says otherwise. */
function ledAgain({ leader, answers }: Held, provenAt: number): Led {
  return { ...ledBy(leader, provenAt), answers };
}
