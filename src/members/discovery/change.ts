/** What discovery reports, as events of these kinds. `why` is one clause. */
import type { Misadvertised } from './plan.ts';

/** `source` names more members than the limit, so nothing changes. */
interface TooMany {
  source: string;
  found: number;
  most: number;
}

type Change<Kind, Fields> = Readonly<{ kind: Kind } & Fields>;

export type DiscoveryChange =
  /** `none`: is no member known as long as this fails? */
  | Change<'discovery-failing', { domain: string; why: string; none: boolean }>
  | Change<'discovery-back', { domain: string }>
  | Change<'discovery-failing', TooMany>
  | Change<'discovery-back', TooMany>
  | Change<'member-misadvertised', Omit<Misadvertised, 'name'> & { member: string }>
  | Change<'state-used', { file: string; members: number; savedAt: string }>
  | Change<'state-failing', { file: string; why: string; doing: 'reading' | 'saving' }>
  | Change<'state-back', { file: string }>;

/** The event that there are too many members, or no longer. */
export function tooMany(are: boolean, excess: TooMany): DiscoveryChange {
  return are ? { kind: 'discovery-failing', ...excess } : { kind: 'discovery-back', ...excess };
}
