/** What the balancer sends to the page, as src/observe/ declares it. */
import type { Status } from '../../observe/status.ts';

export type { PastCheck } from '../../observe/check-history.ts';
export type {
  ChecksUpdate,
  EventUpdate,
  StatusUpdate,
} from '../../observe/server/event-stream.ts';
export type { MemberReport } from '../../observe/status.ts';

export type ClusterReport = Status['cluster'];

/** A hold that lasts. */
export type HoldReport = NonNullable<Status['hold']['current']>;
