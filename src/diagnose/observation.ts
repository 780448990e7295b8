/**
 * An observation: all that one member said when it was asked once. Plain data, from which the findings
 * are drawn; gather.ts makes it.
 */
import type { X509Certificate } from 'node:crypto';
import type { PollResult } from '../etcd/status/member-status.ts';
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
  readonly inspection: PollResult;
  readonly metrics: Metrics;
  /** Absent when it told no time. */
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
  /** A whole second: the member's clock stood there or up to 1 s further. */
  readonly date: number;
  readonly askedAt: number;
  readonly answeredAt: number;
}

/** Did it answer anything? One that did not is told of once, and nothing else is said about it. */
export function isReachable({ health, inspection }: Observation): boolean {
  return health.ok || inspection.kind === 'known';
}
