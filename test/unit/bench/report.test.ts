import { describe, expect, test } from 'vitest';
import { boundsOf } from '../../bench/bounds.ts';
import type { Measure } from '../../bench/measure.ts';
import { chart } from '../../bench/report/chart.ts';
import { markdown } from '../../bench/report/markdown.ts';
import { asRatio, inDigits } from '../../bench/report/numbers.ts';
import { boundInWords, table } from '../../bench/report/table.ts';
import { Results } from '../../bench/results.ts';

const measure: Measure = {
  name: 'rpc',
  what: 'Small calls.',
  figures: [
    { key: 'rpc.cpu', what: 'CPU per small RPC', unit: 'µs', better: 'less', main: true },
    { key: 'latency.p50', what: 'p50', unit: 'µs', better: 'less', added: true },
  ],
  run: async () => ({}),
};

/** Three rounds; the second is twice as slow for everybody. */
function measured(): Results {
  const results = new Results();
  for (const [round, slow] of [1, 2, 1].entries()) {
    const add = (contestant: string, cpu: number | undefined, p50: number) =>
      results.add({
        ...{ round, contestant, measure: 'rpc' },
        figures: {
          ...(cpu !== undefined && { 'rpc.cpu': cpu * slow }),
          'latency.p50': p50 * slow,
        },
      });
    add('direct', undefined, 100);
    add('haproxy', 10, 150);
    add('etcd-lb', 9, 140);
  }
  return results;
}

describe('results', () => {
  test('are compared within rounds', () => {
    const summary = measured().summary('rpc.cpu', 'etcd-lb');
    expect(summary).toMatchObject({ median: 9, rounds: 3, toHaproxy: 0.9, toDirect: Number.NaN });
    expect(measured().summary('latency.p50', 'etcd-lb')?.added).toBe(40);
    expect(measured().summary('rpc.cpu', 'direct')).toBeUndefined();
  });

  test('are judged where they were measured', () => {
    expect(boundsOf(measured()).map(boundInWords)).toEqual([
      'met: CPU per small RPC, of HAProxy’s: 0.90, must be at most 1.00',
      'met: p50 added at 2,000 RPC/s, µs (HAProxy’s): 40.0, must be at most 50.0',
    ]);
    expect(boundsOf(new Results())).toEqual([]);
  });

  test('as a table for a terminal', () => {
    expect(table(measured(), [measure]).split('\n')[1]).toMatch(
      /^CPU per small RPC, µs +10\.0 ±2\.50 1\.00× +9\.00 ±2\.25 0\.90×$/,
    );
  });

  test('as Markdown', () => {
    const results = measured();
    results.add({ round: 3, measure: 'rpc', contestant: 'nginx', figures: {}, error: 'gone' });
    const text = markdown(results, [measure], boundsOf(results), 'On a machine.');
    expect(text).toContain('| CPU per small RPC, µs |  | **10.0** (10.0 to 15.0) | **9.00**');
    expect(text).toContain('0.90× HAProxy');
    expect(text).toContain('- rpc, nginx, round 4: gone');
  });

  test('as a chart: left of the line is cheaper', () => {
    const svg = chart(measured(), [measure]);
    const [, one] = /class="one" x1="([\d.]+)"/.exec(svg) ?? [];
    const [, x, length] = /<rect x="([\d.]+)" y="\d+" width="([\d.]+)" height="13"/.exec(svg) ?? [];
    expect(Number(x)).toBeLessThan(Number(one));
    expect(Number(x) + Number(length)).toBeCloseTo(Number(one), 0);
    expect(svg).toContain('0.90×');
    expect(chart(new Results(), [measure])).toContain('</svg>');
  });
});

test.each([
  [0.8712, '0.87'],
  [12.34, '12.3'],
  [1_234_567.8, '1,234,568'],
  [-4_125, '-4,125'],
  [-0.001, '0.00'],
  [Number.NaN, ''],
])('%d is written %s', (value, text) => {
  expect(inDigits(value)).toBe(text);
  expect(asRatio(value)).toBe(text && `${text}×`);
});
