/** README.md is short, has the settings that matter, and no figure that was not measured. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { options } from '../../src/config/options.ts';

const root = join(import.meta.dirname, '../..');
const read = (path: string): string => readFileSync(join(root, path), 'utf8');
const readme = read('README.md');

test('it has at most 160 lines, none of which is a wall', () => {
  const lines = readme.trimEnd().split('\n');
  expect(lines.length).toBeLessThanOrEqual(160);
  expect(lines.filter((line) => line.length > 130 && !line.startsWith('|'))).toEqual([]);
});

test('its table of settings has those that a short help shows, with their defaults', () => {
  const rows = tables(readme).find(([head]) => head?.[0] === 'setting') ?? [];
  expect(rows.slice(1).map(([name, value]) => [name, value])).toEqual(
    options
      .filter(({ isEssential }) => isEssential)
      .map(({ name, default: value }) => [`\`--${name}\``, value ? `\`${value}\`` : 'none'])
      .toSorted((a, b) => Number(a[0] === '`--config`') - Number(b[0] === '`--config`')),
  );
});

describe('how it compares', () => {
  const [[, ...heads] = [], ...rows] =
    tables(readme).find(([head]) => head?.at(-1) === 'etcd-lb') ?? [];
  const contestants: Readonly<Record<string, string>> = {
    'all endpoints': 'direct',
    'etcd gateway': 'gateway',
    'nginx stream': 'nginx',
    HAProxy: 'haproxy',
    'etcd-lb': 'etcd-lb',
  };
  const rowOf = (start: string): string[] => rows.find(([what]) => what?.startsWith(start)) ?? [];

  test('has six rows, and a column for each', () => {
    expect(rows).toHaveLength(6);
    expect(heads).toEqual(Object.keys(contestants));
  });

  /** Runs on three members of etcd 3.5 without TLS. */
  const runs = tables(read('test/faults/RESULTS.md'))[0] ?? [];
  const [columns = []] = runs;
  const figures = (fault: string, contestant: string, column: string): string[] => {
    const found = runs.filter((run) => {
      const [kind, etcd, tls, members] = run;
      const isSame = kind === fault && etcd === '3.5' && tls === 'plain' && members === '3';
      return isSame && run[columns.indexOf('contestant')] === contestant;
    });
    return found.map((run) => run[columns.indexOf(column)] ?? '');
  };

  test.each([
    ['follower killed', 'kill-follower'],
    ['follower hangs', 'stop-follower'],
    ['leader hangs', 'stop-leader'],
  ])('%s: as measured', (what, fault) => {
    const expected = heads.map((head) => {
      const contestant = contestants[head] ?? '';
      const failed = figures(fault, contestant, 'failed').map(Number);
      const gaps = figures(fault, contestant, 'longest gap').map(Number.parseFloat);
      return `${range(failed, 0)}, ${range(gaps, 2)} s`;
    });
    expect(rowOf(what).slice(1)).toEqual(expected);
  });

  test('spread again after the kill: as measured', () => {
    const expected = heads.map(
      (head) => figures('kill-follower', contestants[head] ?? '', 'balanced after')[0],
    );
    expect(rowOf('spread again').slice(1)).toEqual(expected);
  });

  const bench = tables(read('test/bench/RESULTS.md'));
  test.each([
    ['CPU per small call', 'CPU per small RPC, µs', 'µs'],
    ['memory when idle', 'idle, five members, MB', 'MB'],
  ])('%s: as measured', (what, name, unit) => {
    const [head = [], ...measured] =
      bench.find((table) => table.some(([cell]) => cell === name)) ?? [];
    const row = measured.find(([cell]) => cell === name) ?? [];
    const expected = heads.map((each) => {
      const [, median] =
        /^\*\*([\d.,]+)\*\*/.exec(row[head.indexOf(contestants[each] ?? '')] ?? '') ?? [];
      return median === undefined ? 'none' : `${median} ${unit}`;
    });
    expect(rowOf(what).slice(1)).toEqual(expected);
  });
});

/** The cells of each table of a page, its head first. */
function tables(page: string): string[][][] {
  return [...page.matchAll(/^\|.*\n\|[ :|-]+\n(?:\|.*\n?)*/gm)].map(([text]) =>
    text
      .trimEnd()
      .split('\n')
      .filter((_, index) => index !== 1)
      .map((line) =>
        line
          .slice(1, -1)
          .split('|')
          .map((cell) => cell.trim()),
      ),
  );
}

/** "8 to 11", or "31" where all are the same. */
function range(values: readonly number[], digits: number): string {
  const [least, most] = [Math.min(...values), Math.max(...values)].map((each) =>
    each.toFixed(digits),
  );
  return least === most ? `${least}` : `${least} to ${most}`;
}
