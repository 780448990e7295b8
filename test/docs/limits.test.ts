/** The table of limits: each row is whole, and each bound has a test that is there. */
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { options } from '../../src/config/options.ts';

const root = join(import.meta.dirname, '../..');
const text = readFileSync(join(root, 'docs/limits.md'), 'utf8');
const lines = text
  .split('\n')
  .filter((line) => line.startsWith('|') && !line.startsWith('| ---'))
  .map((line) =>
    line
      .slice(1, -1)
      .split('|')
      .map((cell) => cell.trim()),
  );
const isHead = ([what]: readonly string[]): boolean => what === 'what';
const rows = lines.filter((line) => !isHead(line));

test('every row says what is bound, by what, what happens beyond it, and which test shows that', () => {
  for (const head of lines.filter(isHead)) {
    expect(head).toEqual(['what', 'bound', 'beyond it', 'test']);
  }
  expect(rows.length).toBeGreaterThan(20);
  for (const row of rows) {
    expect(row).toHaveLength(4);
    for (const cell of row) expect(cell, row[0]).toMatch(/./);
    const paths = row[3]?.match(/test\/[\w./-]+\.ts/g) ?? [];
    expect(paths.length, row[0]).toBeGreaterThan(0);
    for (const path of paths) {
      expect(existsSync(join(root, path)), `${path} of ${row[0]}`).toBe(true);
    }
  }
});

test('a setting is named with the default that it has', () => {
  for (const [, bound = ''] of rows) {
    const [, name] = /^`--([a-z-]+)`/.exec(bound) ?? [];
    if (name === undefined) continue;
    const value = options.find((option) => option.name === name)?.default;
    expect(value, name).toBeDefined();
    expect(bound.replaceAll(/[ ,]/g, ''), name).toContain(`\`--${name}\`${value}`);
  }
});
