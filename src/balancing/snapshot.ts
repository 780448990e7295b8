/**
 * The snapshot is where control and data meet: an immutable list of where connections may go.
 *
 * Control publishes a new snapshot after a member's health or eligibility has changed. The data path reads the
 * current one and never asks about health. All that it writes to members is their load, calls and connect times.
 */
import type { Member } from '../members/member.ts';

/** Where connections may go. All lists are in the configured order. */
/** @typeParam T a member, or a part of one in tests. */
export interface Snapshot<T = Member> {
  /** The members to pick from first. While none is healthy: all that are not absent. */
  readonly routable: readonly T[];
  /** All members that may serve at all. A dial tries them when all routable ones have failed. */
  readonly all: readonly T[];
  /** Members whose sessions must leave, and where no session may begin. */
  readonly evicted: ReadonlySet<T>;
}
