/** What the balancer sends to the page, as src/observe/ declares it. */
import type { MemberReport as Member, Status } from '../../observe/status.ts';

export type { PastCheck } from '../../observe/check-history.ts';
export type {
  ChecksUpdate,
  EventUpdate,
} from '../../observe/server/event-stream.ts';

import type { StatusUpdate as SentStatus } from '../../observe/server/event-stream.ts';

/** With what later versions tell of it. */
export interface MemberReport extends Member {
  /** Set while an operator has drained it. Times are ISO 8601. */
  readonly drain?: { readonly since: string; readonly until?: string };
}

export interface StatusUpdate extends Omit<SentStatus, 'members'> {
  readonly members: readonly MemberReport[];
}

export type ClusterReport = Status['cluster'];

/** A hold that lasts. */
export type HoldReport = NonNullable<Status['hold']['current']>;
