/**
 * An observation: all that one member answered when it was asked once. Plain data, from which the
 * findings follow; gather.ts makes it.
 */
import type { X509Certificate } from 'node:crypto';
import type { MemberStatus, PollResult } from '../etcd/status/member-status.ts';
import type { CheckResult } from '../health/state/check-result.ts';
import type { Failure } from '../lib/net/failure.ts';
import type { Sample } from './probes/exposition.ts';

export interface Observation {
  /** As in `--endpoints`. */
  readonly name: string;
  /** Its client URL. */
  readonly endpoint: string;
  readonly health: CheckResult;
  readonly clientPort: ClientPort;
  readonly poll: PollResult;
  readonly metrics: Metrics;
  /** Absent when it sent no time. */
  readonly clock?: ClockReading;
}

/** Where clients connect; with TLS also the certificate that it shows them, trusted or not. */
export type ClientPort =
  | { readonly kind: 'open'; readonly certificate?: X509Certificate }
  | { readonly kind: 'closed'; readonly failure: Failure };

/** A member's `/metrics`; `why` is one clause. */
export type Metrics =
  | { readonly kind: 'read'; readonly samples: readonly Sample[] }
  | { readonly kind: 'unread'; readonly why: string };

/** What the member's clock said between two moments of this host's; all in ms since the epoch. */
export interface ClockReading {
  /** A whole second: the member's clock showed this time, or up to 1 s more. */
  readonly date: number;
  readonly askedAt: number;
  readonly answeredAt: number;
}

/** Did it answer anything? A member that did not gets one finding and no other. */
export function isReachable({ health, poll }: Observation): boolean {
  return health.ok || poll.kind === 'known';
}

/** The members whose status is known. */
export function knownAmong(
  observations: readonly Observation[],
): { readonly name: string; readonly status: MemberStatus }[] {
  return observations.flatMap(({ name, poll }) =>
    poll.kind === 'known' ? [{ name, status: poll.status }] : [],
  );
}
