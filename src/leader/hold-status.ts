/** Holds as plain data, for `/status`, events and metrics. */
import type { Held, HoldCause, HoldEnd } from './hold.ts';

/** A hold that has not ended. */
export interface CurrentHold {
  readonly cause: HoldCause;
  /** The name of the leader that is lost or is to be moved. */
  readonly leader: string;
  /** One clause, such as `m1, the leader, does not answer`. */
  readonly why: string;
  /** ms since the epoch. */
  readonly since: number;
}

/** A hold that has ended. */
export interface EndedHold extends CurrentHold {
  readonly end: HoldEnd;
  /** The name of the new leader; undefined if unknown. */
  readonly successor: string | undefined;
  /** ms. */
  readonly duration: number;
}

/** The holds at any moment. */
export interface HoldView {
  /** The longest hold, ms; 0 for none. */
  readonly limit: number;
  readonly current: CurrentHold | undefined;
  /** The last that has ended, if any. */
  readonly last: EndedHold | undefined;
}

/** A hold that begins now. `name` is that of the leader, if known. */
export function holdOf(name: string | undefined, held: Held): CurrentHold {
  const leader = name ?? held.leader.memberId;
  const why = {
    gone: `${leader}, the leader, has cut or refused a connection`,
    unresponsive: `${leader}, the leader, does not answer`,
    planned: `an operator moves the leader away from ${leader}`,
  }[held.cause];
  return { cause: held.cause, leader, why, since: Date.now() };
}
