/**
 * Every fault that a schedule may have: whom it hits, how long it lasts, in which ways it comes, and which
 * settings it suits. How each is carried out is in act/.
 */
import type { Setting } from './setting.ts';

/** Least and most. */
type Range = readonly [number, number];

export interface FaultKind {
  readonly room: 'member' | 'network' | 'names' | 'list' | 'balancer';
  /** ms that it lasts; absent where it is over as soon as it is done. */
  readonly lasts?: Range;
  /** Is one member hit? */
  readonly hits?: true;
  /** Of which one is chosen. */
  readonly ways?: readonly string[];
  /** A number that belongs to it, and its unit. */
  readonly amount?: { readonly range: Range; readonly unit: string };
  /** For all settings if absent. */
  readonly suits?: (setting: Setting) => boolean;
}

const ways = ['both', 'in', 'out'] as const;
const hasNames = ({ discovery }: Setting) => discovery === 'names' || discovery === 'srv';
const follows = ({ discovery }: Setting) => discovery === 'members' || discovery === 'srv';

const table = {
  kill: { room: 'member', hits: true, lasts: [500, 6_000] },
  term: { room: 'member', hits: true, lasts: [500, 5_000] },
  restart: { room: 'member', hits: true },
  stop: { room: 'member', hits: true, lasts: [300, 8_000] },
  'slow-disk': {
    ...{ room: 'member', hits: true, lasts: [2_000, 6_000] },
    amount: { range: [20, 150], unit: 'ms' },
  },
  defragment: { room: 'member', hits: true },
  compact: { room: 'member' },
  'no-space': { room: 'member', hits: true, lasts: [1_000, 5_000] },
  'etcd-move-leader': { room: 'member' },

  'cut-balancer': { room: 'network', hits: true, lasts: [500, 8_000], ways },
  'cut-peers': { room: 'network', hits: true, lasts: [1_000, 8_000], ways },
  'cut-all': { room: 'network', hits: true, lasts: [1_000, 8_000], ways },
  'lossy-balancer': { room: 'network', hits: true, lasts: [2_000, 6_000] },
  'lossy-peers': { room: 'network', hits: true, lasts: [2_000, 6_000] },
  'reset-balancer': { room: 'network', hits: true, lasts: [200, 2_000] },
  slow: {
    ...{ room: 'network', hits: true, lasts: [2_000, 6_000] },
    amount: { range: [60, 400], unit: 'kB/s' },
  },

  'names-vanish': { room: 'names', hits: true, lasts: [2_000, 6_000], suits: hasNames },
  'names-change': { room: 'names', hits: true, lasts: [2_000, 6_000], suits: hasNames },
  'names-silent': { room: 'names', lasts: [2_000, 6_000], suits: hasNames },

  add: { room: 'list', ways: ['voter', 'learner'] },
  remove: { room: 'list', hits: true, suits: ({ members }) => members === 5 },
  replace: { room: 'list', hits: true, suits: follows },

  drain: { room: 'balancer', hits: true, lasts: [2_000, 8_000], ways: ['undrained', 'left'] },
  'move-leader': { room: 'balancer' },
  rebalance: { room: 'balancer' },
  reload: {
    room: 'balancer',
    ways: ['weights', 'policy', 'renamed', 'certificates', 'nonsense', 'unchanged'],
  },
  'close-sessions': { room: 'balancer', amount: { range: [1, 12], unit: 'sessions' } },
  'log-level': { room: 'balancer' },
  scrapes: { room: 'balancer', amount: { range: [50, 400], unit: 'scrapes' } },
  // One at a time has the address of a Unix socket, so a successor there must wait or inherit it.
  handover: { room: 'balancer', ways: ['reuse-port', 'inherited'] },
  'kill-balancer': { room: 'balancer', lasts: [200, 1_500] },
  descriptors: { room: 'balancer', lasts: [1_500, 4_000] },
  starve: { room: 'balancer', lasts: [300, 2_000], ways: ['stopped', 'busy'] },
} as const satisfies Readonly<Record<string, FaultKind>>;

export type FaultName = keyof typeof table;
export const faults: Readonly<Record<FaultName, FaultKind>> = table;
export const faultNames = Object.keys(table) as readonly FaultName[];
