/** Results for a terminal: a line a figure, a column a contestant. */
import type { Bound } from '../../faults/fault.ts';
import { isMet } from '../../faults/fault.ts';
import type { Figure, Measure } from '../measure.ts';
import type { Results, Summary } from '../results.ts';
import { asRatio, inDigits } from './numbers.ts';

/** Median, half the distance of the quartiles, and the ratio to HAProxy in the same rounds. */
export function table(results: Results, measures: readonly Measure[]): string {
  const { contestants } = results;
  const figures = measures.flatMap((measure) => measure.figures);
  const rows = figures
    .map((figure) => [
      label(figure),
      ...contestants.map((each) => cell(results.summary(figure.key, each))),
    ])
    .filter((row) => row.slice(1).some((text) => text !== ''));
  const all = [['median ± spread, of HAProxy’s', ...contestants], ...rows];
  const widths = (all[0] ?? []).map((_, column) =>
    Math.max(...all.map((row) => row[column]?.length ?? 0)),
  );
  return all
    .map((row) =>
      row
        .map((text, column) =>
          column === 0 ? text.padEnd(widths[0] ?? 0) : text.padStart(widths[column] ?? 0),
        )
        .join('  '),
    )
    .join('\n');
}

export function label({ what, unit }: Pick<Figure, 'what' | 'unit'>): string {
  return unit === '' ? what : `${what}, ${unit}`;
}

function cell(summary: Summary | undefined): string {
  if (summary === undefined) return '';
  const { median, lower, upper, toHaproxy } = summary;
  const ratio = asRatio(toHaproxy);
  return `${inDigits(median)} ±${inDigits((upper - lower) / 2)}${ratio && ` ${ratio.padStart(5)}`}`;
}

/** `met: CPU per small RPC, of HAProxy’s: 0.97, must be at most 1.00` */
export function boundInWords(bound: Bound): string {
  const { what, measured, limit, sense } = bound;
  const verdict = isMet(bound) ? 'met' : 'missed';
  return `${verdict}: ${what}: ${inDigits(measured)}, must be ${sense} ${inDigits(limit)}`;
}
