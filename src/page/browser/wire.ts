/** What the balancer sends to the page, as src/observe/ declares it. */
import type { MemberReport as Member, Status } from '../../observe/status.ts';

export type { PastCheck } from '../../observe/check-history.ts';
export type { ChecksNews, EventNews } from '../../observe/server/event-stream.ts';

import type { StatusNews } from '../../observe/server/event-stream.ts';

/** With what later versions tell of it. */
export interface MemberNews extends Member {
  /** Set while an operator has drained it. Times are ISO 8601. */
  readonly drain?: { readonly since: string; readonly until?: string };
}

export interface News extends Omit<StatusNews, 'members'> {
  readonly members: readonly MemberNews[];
}

export type ClusterNews = Status['cluster'];

/** A hold that lasts. */
export type HoldNews = NonNullable<Status['hold']['current']>;
