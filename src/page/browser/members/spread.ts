/** How the sessions are spread over the members, including members that are leaving. Pure. */
import type { StatusUpdate } from '../wire.ts';

export interface Share {
  readonly name: string;
  readonly sessions: number;
  /** Of all sessions, 0 to 1. */
  readonly share: number;
  /** Relative to the longest bar, 0 to 1. */
  readonly length: number;
  readonly remark: string | undefined;
}

/** One share a member, in the order of the settings. */
export function sharesOf({ members, leaving }: StatusUpdate): readonly Share[] {
  const rows = [
    ...members.map(({ name, sessions, acceptsNew, drain }) => ({
      name,
      sessions,
      remark: drain ? 'drained' : acceptsNew ? undefined : 'takes no new ones',
    })),
    ...leaving.map((member) => ({ ...member, remark: 'is leaving the cluster' })),
  ];
  const total = rows.reduce((sum, { sessions }) => sum + sessions, 0);
  const most = Math.max(1, ...rows.map(({ sessions }) => sessions));
  return rows.map((row) => ({
    ...row,
    share: total === 0 ? 0 : row.sessions / total,
    length: row.sessions / most,
  }));
}
