/** The table of docs/recipes.md says of each recipe what the tests carry out, and nothing else. */
import { globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { blocksIn } from '../support/command-blocks.ts';
import { costOf, rowsIn } from '../support/recipe.ts';

const root = join(import.meta.dirname, '../..');
const page = readFileSync(join(root, 'docs/recipes.md'), 'utf8');
const rows = rowsIn(page);
const carriedOut = globSync('test/etcd/**/*.test.ts', { cwd: root }).flatMap((path) =>
  declaredIn(readFileSync(join(root, path), 'utf8')),
);

/** `recipe('Defragment', '3.4', 'originate', …)`, or with several headings. */
function declaredIn(source: string): { heading: string; on: string }[] {
  const declared = /\brecipe\(\s*(?:\[([^\]]*)\]|('[^']*')),\s*'(3\.\d)',\s*'(\w+)',/g;
  return [...source.matchAll(declared)].flatMap(([, several, one = '', release, mode]) =>
    [...(several ?? one).matchAll(/'([^']*)'/g)].map(([, heading = '']) => ({
      heading,
      on: `${release} ${mode}`,
    })),
  );
}

test('the tests are found', () => {
  const source = "recipe(['A', 'B'], '3.4', 'plain', act);\nrecipe('C', '3.5', 'originate', act);";
  expect(declaredIn(source)).toEqual([
    ...[
      { heading: 'A', on: '3.4 plain' },
      { heading: 'B', on: '3.4 plain' },
    ],
    { heading: 'C', on: '3.5 originate' },
  ]);
});

test('what a row costs is what its test holds it to', async () => {
  expect(await costOf('Upgrade etcd', 'passthrough')).toBe(0);
  expect(await costOf('Add a member', 'passthrough')).toBeGreaterThan(0);
  expect(await costOf('Add a member', 'originate')).toBe(0);
  await expect(costOf('Before you begin', 'originate')).rejects.toThrow('does not say');
});

test('every section with commands is a row, in its order', () => {
  const sections = page.split(/^##+ /m).slice(1);
  const withCommands = sections.filter((section) =>
    blocksIn(section).some(({ reason }) => reason === undefined),
  );
  expect(rows.map(({ heading }) => heading)).toEqual(
    withCommands.map((section) => section.slice(0, section.indexOf('\n'))),
  );
});

test.each(rows)('$heading is carried out on what its row says', ({ heading, carriedOut: said }) => {
  const on = carriedOut.filter((each) => each.heading === heading).map((each) => each.on);
  expect(said.toSorted()).toEqual(on.toSorted());
});

describe('over the page', () => {
  test.each(['3.4', '3.5', 'passthrough', 'originate'])('%s comes at least twice', (what) => {
    const times = rows
      .flatMap((row) => row.carriedOut)
      .filter((on) => on.split(' ').includes(what));
    expect(times.length).toBeGreaterThanOrEqual(2);
  });
});
