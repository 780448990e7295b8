/**
 * The one place where control and data meet: an immutable list of where connections may go.
 *
 * The control flow publishes a new snapshot after the health of a member has changed; the data path reads whichever
 * is current and never asks about health. The only thing the data path writes here is `load`.
 */
import type { Member } from '../members/member.ts';

/** Where connections may go at this moment. All lists are in the configured order. */
/** @typeParam T a member, or what a test knows of one. */
export interface Snapshot<T = Member> {
  /** Picked from first. While nobody is healthy: everybody who may be there. */
  readonly routable: readonly T[];
  /** Everybody who may serve at all, to be tried when all routable ones refused a dial. */
  readonly all: readonly T[];
  /** Members whose sessions must leave; nothing new may start there either. */
  readonly evicted: ReadonlySet<T>;
}
