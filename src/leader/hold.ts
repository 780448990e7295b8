/**
 * The hold: while the cluster's leader is lost, no byte from a client goes to a member. Pure.
 *
 *              a leader is seen
 *   unled ───────────────────────► led ──── its connection is cut or refused ─────► held
 *     ▲                            ▲ ├───── no answer in time, but from others ───► │ │
 *     │                            │ └───── an operator moves the leader ─────────► │ │
 *     │                            └── a read has succeeded, another leads ─────────┘ │
 *     └──────────────────────────────── `limit` is over ──────────────────────────────┘
 *
 * Why: a follower forwards a write to the leader that it knows, once. When that leader has just died the
 * write is lost, and its client waits for 5 s and two election timeouts (etcd #5214). Followers believe in
 * a dead leader for an election timeout, 1 to 2 s; the balancer sees the death at once. What clients ask in
 * between waits in the kernel, and is answered by the next leader.
 *
 * A hold may begin at the first sign, since a wrong one is over with the next linearizable read: only a
 * leader that a quorum confirms can answer one (raft thesis section 6.4). After a hold that ended by the
 * clock a leader has to be seen before the next, so that a cluster without a quorum is held once.
 *
 * Owns the states and the transitions. Leaves to others who asks and when (guard.ts), and what is held
 * (proxy/sessions/sessions.ts). All times are ms of `performance.now()`.
 */

/** A member that a quorum has elected. */
export interface Leader {
  /** In the cluster, hexadecimal. */
  readonly memberId: string;
  readonly term: number;
}

/**
 * Why a hold began. Used as a metric label.
 * - `gone`: the leader cut or refused a connection of ours.
 * - `unresponsive`: it left a question unanswered that others answered.
 * - `planned`: an operator moves the leader.
 */
export const holdCauses = ['gone', 'unresponsive', 'planned'] as const;
export type HoldCause = (typeof holdCauses)[number];

/**
 * How a hold ended. Used as a metric label.
 * - `confirmed`: a linearizable read has succeeded, so there is a leader.
 * - `elected`: a member says that it leads, in a later term.
 * - `expired`: `limit` was over.
 * - `cancelled`: there is nothing to hold for any more; the move was refused, or the setting is off.
 */
export const holdEnds = ['confirmed', 'elected', 'expired', 'cancelled'] as const;
export type HoldEnd = (typeof holdEnds)[number];

export interface Led {
  readonly kind: 'led';
  readonly leader: Leader;
  /** Has the leader itself answered since it last cut or refused a connection? */
  readonly answers: boolean;
  /** When the last question was asked whose answer proves that the leader is there. */
  readonly provenAt: number;
  /** When the last question was asked that another member has answered. */
  readonly othersAt: number;
}

export interface Held {
  readonly kind: 'held';
  /** Who is lost, or is to lead no longer. */
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
  /** A member says of itself that it leads. */
  | { readonly kind: 'leader-seen'; readonly leader: Leader; readonly askedAt: number }
  /** The leader has answered a question that was asked then. */
  | { readonly kind: 'leader-answered'; readonly askedAt: number }
  /** The leader has cut or refused a connection of ours. */
  | { readonly kind: 'leader-cut' }
  | { readonly kind: 'other-answered'; readonly askedAt: number }
  /** A linearizable read that was begun then has succeeded. */
  | { readonly kind: 'read-succeeded'; readonly askedAt: number }
  | { readonly kind: 'move-asked' }
  /** This process did not run for `late` ms: nobody could have answered. */
  | { readonly kind: 'stalled'; readonly late: number }
  /** There is nothing to hold for: the move was refused, the leader is not a member any more. */
  | { readonly kind: 'called-off' }
  /** `waitingSince`: when a question was asked that the leader has not answered; undefined for none. */
  | { readonly kind: 'time-passed'; readonly waitingSince: number | undefined };

export interface HoldRules {
  /** The longest hold, ms; 0: none begins, and one that lasts ends. */
  readonly limit: number;
  /** How long the leader may take for an answer, ms. */
  readonly patience: number;
}

export interface HoldStep {
  readonly state: HoldState;
  /** How the hold ended that lasted before; present just then. */
  readonly end?: HoldEnd;
}

/** The sessions of a leader that hangs leave after this much of a hold at least, ms. */
const leaveAfter = 100;

/**
 * The next state. Returns the same state when nothing has changed, so that identity tells a change.
 *
 * @param now never before the times already in `state`.
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
 * Must the sessions of the lost leader leave? A socket that nobody reads is the wrong place to wait: what
 * is asked there is lost, and what is asked here is not. But a leader that is only slow loses calls by it, so
 * it has more time than until the hold: a wrong one is over by then.
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
      // Whoever has not answered since it last cut a connection says nothing new by the next.
      if (!state.answers) return state;
      return rules.limit > 0 ? heldSince(now, state, 'gone', rules) : { ...state, answers: false };
    case 'move-asked':
      return rules.limit > 0 ? heldSince(now, state, 'planned', rules) : state;
    case 'time-passed': {
      if (event.waitingSince === undefined || rules.limit === 0) return state;
      const since = Math.max(event.waitingSince, state.provenAt);
      // Where nobody answers, it is this host that is cut off, or the machine that is slow.
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
      // The leader that is about to be moved answers reads until the moment in which it is.
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

/** By whom is to be found out: by the same member, as far as is known. */
function ledAgain({ leader, answers }: Held, provenAt: number): Led {
  return { ...ledBy(leader, provenAt), answers };
}
