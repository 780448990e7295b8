/** What discovery has to tell; `why` is one clause. Who words it is discovery-events.ts. */
import type { Misadvertised } from './plan.ts';

type Change<Kind, Fields> = Readonly<{ kind: Kind } & Fields>;

export type DiscoveryChange =
  | Change<'srv-failing', { domain: string; why: string; none: boolean }>
  | Change<'srv-back', { domain: string }>
  /** More than are taken, so that nothing changes; `source` names them. `isOver`: not any more. */
  | Change<'too-many', { source: string; found: number; most: number; isOver: boolean }>
  | Change<'misadvertised', { member: Misadvertised }>
  | Change<'state-used', { file: string; members: number; savedAt: string }>
  | Change<'state-unusable' | 'state-failing', { file: string; why: string }>
  | Change<'state-back', { file: string }>;
