/** Results as rows for a terminal, as Markdown and as JSON. */
import { always, type Bound, type Fault, inWords, isMet, type Outcome } from './fault.ts';
import type { Measured } from './run.ts';

export interface Result extends Measured {
  readonly round: number;
  /** The day that it was measured on, such as `2026-11-26`. */
  readonly on: string;
  /** Only for etcd-lb: what the issue asks. */
  readonly bounds: readonly Bound[];
  /** Why there are no figures. */
  readonly error?: string;
}

const columns = [
  'fault',
  'etcd',
  'TLS',
  'members',
  'run',
  'contestant',
  'requests',
  'failed',
  'over 1 s',
  'longest gap',
  'p99',
  'silence of all',
  'watch lost / doubled',
  'watch gap',
  'leases lost',
  'balanced after',
  'election',
  'holds',
  'longest hold',
  'further',
] as const;

export function boundsOf(fault: Fault, outcome: Outcome): readonly Bound[] {
  return [...fault.bounds(outcome), ...always(outcome, fault)];
}

function row(result: Result): readonly string[] {
  const { load, figures, error } = result;
  const names = namesIn(result);
  if (error !== undefined) {
    return [...names, error, ...columns.slice(names.length + 1).map(() => '')];
  }
  const { balanced, election, holds, longestHold, ...further } = figures;
  return [
    ...names,
    load ? String(load.requests) : '',
    load ? String(load.failed) : '',
    load ? String(load.overOneSecond) : '',
    load ? seconds(load.longestGap) : '',
    load ? `${load.p99} ms` : '',
    load?.longestSilence === undefined ? '' : seconds(load.longestSilence),
    load ? `${load.watchLost} / ${load.watchDoubled}` : '',
    load ? seconds(load.longestWatchGap) : '',
    load ? String(load.leasesLost) : '',
    balanced === undefined ? '' : Number.isFinite(balanced) ? `${balanced.toFixed(1)} s` : 'never',
    election === undefined ? '' : seconds(election),
    holds === undefined ? '' : String(holds),
    longestHold === undefined ? '' : `${Math.round(longestHold)} ms`,
    [...eachFault(result), ...Object.entries(further).map(inFigures)].join(', '),
  ];
}

function namesIn({ fault, etcd, tls, members, round, contestant }: Result): readonly string[] {
  return [fault, etcd, tls, String(members), String(round + 1), contestant];
}

/** What each of a few breaks cost; of a hundred moves the sum is enough. */
function eachFault({ load }: Result): readonly string[] {
  const faults = load?.faults ?? [];
  if (faults.length < 2 || faults.length > 9) return [];
  return [
    `failed each ${faults.map(({ failed }) => failed).join(' ')}`,
    `gap over election each ${faults.map(({ longestGap, election }) => longestGap - election).join(' ')} ms`,
  ];
}

function inFigures([name, value]: readonly [string, number]): string {
  return `${name} ${Math.round(value * 10) / 10}`;
}

/** A line for a terminal. */
export function line(result: Result): string {
  return row(result)
    .map((cell, index) =>
      cell.padEnd([20, 4, 11, 7, 3, 10, 6, 6, 6, 9, 9, 9, 8, 9, 5, 8, 8, 5, 9][index] ?? 0),
    )
    .join(' ');
}

export const head =
  'fault                etcd TLS         members run contestant reqs   failed >1s    gap       p99       silence   lost/dbl wgap      lease balanced election holds longest   further';

export function markdown(results: readonly Result[], conditions: string): string {
  const table = [columns, columns.map(() => '---'), ...results.map(row)];
  const judged = results.filter(({ bounds }) => bounds.length > 0);
  return [
    '# What clients see when members fail',
    conditions,
    table.map((cells) => `| ${cells.join(' | ')} |`).join('\n'),
    '## What must show on etcd-lb',
    ...judged.map(({ fault, etcd, tls, members, round, bounds }) =>
      [
        `**${fault}** (etcd ${etcd}, ${tls}, ${members} members, run ${round + 1})`,
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
