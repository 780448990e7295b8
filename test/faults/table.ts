/** Results as rows for a terminal, as Markdown and as JSON. */
import { always, type Bound, type Fault, inWords, isMet, type Outcome } from './fault.ts';
import type { Measured } from './run.ts';

export interface Result extends Measured {
  readonly round: number;
  /** Only for etcd-lb: what the issue asks. */
  readonly bounds: readonly Bound[];
  /** Why there are no figures. */
  readonly error?: string;
}

const columns = [
  'fault',
  'contestant',
  'requests',
  'failed',
  'over 1 s',
  'longest gap',
  'p99',
  'watch lost / doubled',
  'watch gap',
  'leases lost',
  'balanced after',
  'election',
  'further',
] as const;

export function boundsOf(fault: Fault, outcome: Outcome): readonly Bound[] {
  return [...fault.bounds(outcome), ...always(outcome)];
}

function row({ fault, contestant, load, figures, error }: Result): readonly string[] {
  if (error !== undefined) return [fault, contestant, error, ...columns.slice(3).map(() => '')];
  const { balanced, election, ...further } = figures;
  return [
    fault,
    contestant,
    load ? String(load.requests) : '',
    load ? String(load.failed) : '',
    load ? String(load.overOneSecond) : '',
    load ? seconds(load.longestGap) : '',
    load ? `${load.p99} ms` : '',
    load ? `${load.watchLost} / ${load.watchDoubled}` : '',
    load ? seconds(load.longestWatchGap) : '',
    load ? String(load.leasesLost) : '',
    balanced === undefined ? '' : Number.isFinite(balanced) ? `${balanced.toFixed(1)} s` : 'never',
    election === undefined ? '' : seconds(election),
    Object.entries(further)
      .map(([name, value]) => `${name} ${Math.round(value * 10) / 10}`)
      .join(', '),
  ];
}

/** A line for a terminal. */
export function line(result: Result): string {
  return row(result)
    .map((cell, index) => cell.padEnd([20, 10, 6, 6, 6, 9, 9, 8, 9, 4, 8, 8][index] ?? 0))
    .join(' ');
}

export const head =
  'fault                contestant reqs   failed >1s    gap       p99       lost/dbl wgap      lease balanced election further';

export function markdown(results: readonly Result[], conditions: string): string {
  const table = [columns, columns.map(() => '---'), ...results.map(row)];
  const judged = results.filter(({ bounds }) => bounds.length > 0);
  return [
    '# What clients see when members fail',
    conditions,
    table.map((cells) => `| ${cells.join(' | ')} |`).join('\n'),
    '## What must show on etcd-lb',
    ...judged.map(({ fault, round, bounds }) =>
      [
        `**${fault}**${round > 0 ? ` (round ${round + 1})` : ''}`,
        '',
        ...bounds.map((bound) => `- ${isMet(bound) ? 'met' : '**missed**'}: ${inWords(bound)}`),
      ].join('\n'),
    ),
    '',
  ].join('\n\n');
}

function seconds(ms: number): string {
  return `${(ms / 1_000).toFixed(2)} s`;
}
