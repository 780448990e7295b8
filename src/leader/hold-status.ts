/** What is told of holds, as plain data: in `/status`, in events, in metrics. */
import type { Held, HoldCause, HoldEnd } from './hold.ts';

/** A hold that lasts. */
export interface CurrentHold {
  readonly cause: HoldCause;
  /** The name of the member that leads no longer, or is to. */
  readonly leader: string;
  /** One clause, such as `m1, the leader, does not answer`. */
  readonly why: string;
  /** ms since the epoch. */
  readonly since: number;
}

/** A hold that is over. */
export interface EndedHold extends CurrentHold {
  readonly end: HoldEnd;
  /** The name of the member that leads now; undefined while that is not known. */
  readonly successor: string | undefined;
  /** ms. */
  readonly duration: number;
}

/** What can be asked at any moment. */
export interface HoldView {
  /** The longest hold, ms; 0: none. */
  readonly limit: number;
  readonly current: CurrentHold | undefined;
  /** The last one, if there was any. */
  readonly last: EndedHold | undefined;
}

/** A hold that begins now. `name` is that of the leader, where it is known. */
export function holdOf(name: string | undefined, held: Held): CurrentHold {
  const leader = name ?? held.leader.memberId;
  const why = {
    gone: `${leader}, the leader, has cut or refused a connection`,
    unresponsive: `${leader}, the leader, does not answer`,
    planned: `an operator moves the leader away from ${leader}`,
  }[held.cause];
  return { cause: held.cause, leader, why, since: Date.now() };
}
