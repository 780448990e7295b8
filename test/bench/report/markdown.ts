/** Results as Markdown: a table a measure, and the bounds. */
import type { Bound } from '../../faults/fault.ts';
import type { Figure, Measure } from '../measure.ts';
import type { Results } from '../results.ts';
import { asRatio, inDigits } from './numbers.ts';
import { boundInWords, label } from './table.ts';

export function markdown(
  results: Results,
  measures: readonly Measure[],
  bounds: readonly Bound[],
  conditions: string,
): string {
  const measured = measures.filter(({ name }) =>
    results.samples.some(({ measure }) => measure === name),
  );
  return [
    '# What etcd-lb costs, beside others',
    conditions,
    'Each cell: the median, the quartiles, and the ratio to HAProxy and to no proxy. A ratio is the median of the ratios within rounds; where the time of a call is asked for, what is added to no proxy stands beside it.',
    ...measured.flatMap((measure) => section(results, measure)),
    '## Bounds',
    bounds.map((bound) => `- ${boundInWords(bound).replace(/^missed/, '**missed**')}`).join('\n'),
    ...(results.broken.length > 0 ? ['## Not measured', failures(results)] : []),
    '',
  ].join('\n\n');
}

function section(results: Results, measure: Measure): readonly string[] {
  const contestants = results.contestants.filter((contestant) =>
    measure.figures.some(({ key }) => results.summary(key, contestant)),
  );
  const rows = measure.figures.map((figure) => [
    label(figure),
    ...contestants.map((contestant) => cell(results, figure, contestant)),
  ]);
  const table = [['', ...contestants], ['---', ...contestants.map(() => '--:')], ...rows];
  return [
    `## ${measure.name}`,
    measure.what,
    table.map((cells) => `| ${cells.join(' | ')} |`).join('\n'),
  ];
}

function cell(results: Results, { key, added }: Figure, contestant: string): string {
  const summary = results.summary(key, contestant);
  if (summary === undefined) return '';
  const { median, lower, upper, toHaproxy, toDirect } = summary;
  const ratios = [
    toHaproxy && contestant !== 'haproxy'
      ? asRatio(toHaproxy) && `${asRatio(toHaproxy)} HAProxy`
      : '',
    contestant !== 'direct' && asRatio(toDirect) ? `${asRatio(toDirect)} direct` : '',
    added && contestant !== 'direct' && Number.isFinite(summary.added)
      ? `${summary.added < 0 ? '' : '+'}${inDigits(summary.added)}`
      : '',
  ].filter((text) => text !== '');
  const value = `**${inDigits(median)}** (${inDigits(lower)} to ${inDigits(upper)})`;
  return [value, ...ratios].join('<br>');
}

function failures({ broken }: Results): string {
  return broken
    .map(({ round, measure, contestant, error }) => {
      return `- ${measure}, ${contestant}, round ${round + 1}: ${error}`;
    })
    .join('\n');
}
