/** The rules of docs/architecture.md hold, and each is seen to fail where it is broken. */
import { existsSync, globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import * as rules from './architecture.ts';

const root = join(import.meta.dirname, '../..');
const page = readFileSync(join(root, 'docs/architecture.md'), 'utf8');
const rooms = rules.roomsIn(page);
const paths = globSync('src/**/*.ts', { cwd: root });
const sources: rules.Sources = Object.fromEntries(
  paths.map((path) => [path, readFileSync(join(root, path), 'utf8')]),
);

/** Files that may be longer, and folders that may be fuller, each with the reason. */
const longFiles: Readonly<Record<string, string>> = {
  'src/config/options.ts': 'a table: a row for each setting',
};
const fullFolders: Readonly<Record<string, string>> = {};

/** Is the sentence about one of these? */
function isOf(names: Readonly<Record<string, string>>, sentence: string): boolean {
  return Object.keys(names).some((name) => sentence.startsWith(`${name} `));
}

describe('in this repository', () => {
  test('the page names only what is there', () => {
    expect(rules.findGone(page, (path) => existsSync(join(root, path)))).toEqual([]);
  });

  test('every folder of src is a room or a tool, once', () => {
    const folders = new Set(paths.map((path) => `${path.split('/').slice(0, 2).join('/')}/`));
    const listed = [...rooms.ordered, ...rooms.tools];
    const inner = listed.filter((room) => room.split('/').length > 3);
    expect(inner.filter((room) => !paths.some((path) => path.startsWith(room)))).toEqual([]);
    expect(listed.filter((room) => !inner.includes(room)).sort()).toEqual([...folders].sort());
  });

  test('imports run downwards', () => {
    expect(rules.findUpwards(sources, rooms)).toEqual([]);
  });

  test('no files import each other in a circle', () => {
    expect(rules.findCycles(sources)).toEqual([]);
  });

  test('no file lies loose', () => {
    expect(rules.findLoose(sources)).toEqual([]);
  });

  test('no folder is overfull but those that may be', () => {
    const found = rules.findFull(sources).filter((each) => !isOf(fullFolders, each));
    expect(found).toEqual([]);
  });

  test('no file is long but those that may be', () => {
    const found = rules.findLongFiles(sources).filter((each) => !isOf(longFiles, each));
    expect(found).toEqual([]);
  });

  test('what is exempt needs to be', () => {
    const found = [...rules.findFull(sources), ...rules.findLongFiles(sources)];
    const exempt = { ...fullFolders, ...longFiles };
    expect(found.filter((each) => isOf(exempt, each))).toHaveLength(Object.keys(exempt).length);
  });

  test('no function is long', () => {
    expect(rules.findLongFunctions(sources)).toEqual([]);
  });
});

describe('where a rule is broken, a sentence says so', () => {
  const few: rules.Rooms = { ordered: ['src/app/', 'src/lib/'], tools: ['src/demo/'] };
  const lines = (count: number): string => '\n'.repeat(count - 1);

  test('a name that is gone', () => {
    const text = 'See `src/lib/gone.ts`, `src/lib/`, `src/lib/<name>.ts` and `lib/other.ts`.';
    expect(rules.findGone(text, (path) => path === 'src/lib/')).toEqual([
      'docs/architecture.md names src/lib/gone.ts, which is not there; name what took its place.',
    ]);
  });

  test('the lists of the page', () => {
    expect(
      rules.roomsIn('1. `src/app/` joins\n2. `src/lib/` rest\n\n- `src/demo/` shows\n'),
    ).toEqual(few);
  });

  test.each([
    ["import { a } from '../app/a.ts';"],
    ["import type { A } from '../app/a.ts';"],
    ["export { a } from '../app/a.ts';"],
    ["export * from '../app/a.ts';"],
    ["const a = () => import('../app/a.ts');"],
  ])('upwards: %s', (text) => {
    expect(rules.findUpwards({ 'src/lib/b.ts': text, 'src/app/a.ts': '' }, few)).toEqual([
      'src/lib/b.ts imports src/app/a.ts, upwards: src/app/ stands above src/lib/.',
    ]);
  });

  test('upwards within a room, where an inner folder stands apart', () => {
    const nested = { ordered: ['src/app/', 'src/lib/', 'src/app/inner/'], tools: [] };
    expect(
      rules.findUpwards(
        { 'src/app/inner/a.ts': "import '../../lib/b.ts';", 'src/lib/b.ts': '' },
        nested,
      ),
    ).toEqual([
      'src/app/inner/a.ts imports src/lib/b.ts, upwards: src/lib/ stands above src/app/inner/.',
    ]);
    expect(
      rules.findUpwards(
        { 'src/app/a.ts': "import './inner/b.ts';", 'src/app/inner/b.ts': '' },
        nested,
      ),
    ).toEqual([]);
  });

  test('a tool, a folder that is not listed; but neither downwards nor what a tool does', () => {
    const down = { 'src/app/a.ts': "import '../lib/b.ts';", 'src/lib/b.ts': '' };
    const tool = { 'src/demo/d.ts': "import '../app/a.ts'; import './e.ts';", 'src/demo/e.ts': '' };
    expect(rules.findUpwards({ ...down, ...tool }, few)).toEqual([]);
    expect(rules.findUpwards({ ...tool, 'src/app/a.ts': "import '../demo/e.ts';" }, few)).toEqual([
      'src/app/a.ts imports src/demo/e.ts, which is for tools only.',
    ]);
    expect(rules.findUpwards({ 'src/new/n.ts': '' }, few)).toEqual([
      'src/new/n.ts is in no room of docs/architecture.md; list src/new/ there.',
    ]);
  });

  test('a circle', () => {
    const circle = {
      'src/lib/a.ts': "import './b.ts';",
      'src/lib/b.ts': "import './c.ts'; import './d.ts';",
      'src/lib/c.ts': "import type { A } from './a.ts';",
      'src/lib/d.ts': '',
    };
    expect(rules.findCycles(circle)).toEqual([
      'src/lib/a.ts imports src/lib/b.ts imports src/lib/c.ts imports src/lib/a.ts, in a circle.',
    ]);
    expect(rules.findCycles({ ...circle, 'src/lib/c.ts': '' })).toEqual([]);
  });

  test('a loose file', () => {
    expect(rules.findLoose({ 'src/main.ts': '', 'src/lib/a.ts': '' })).toEqual([
      'src/main.ts lies loose in src/; put it into a room.',
    ]);
  });

  test('an overfull folder', () => {
    const files = Array.from({ length: 13 }, (_, index) => [`src/lib/${index}.ts`, '']);
    expect(rules.findFull(Object.fromEntries(files.slice(1)))).toEqual([]);
    expect(rules.findFull(Object.fromEntries(files))).toEqual([
      'src/lib holds 13 files, of at most 12; divide it by concept.',
    ]);
  });

  test('a long file', () => {
    expect(rules.findLongFiles({ 'src/lib/a.ts': `1;${lines(300)}1;\n` })).toEqual([]);
    expect(rules.findLongFiles({ 'src/lib/a.ts': `1;${lines(301)}1;\n` })).toEqual([
      'src/lib/a.ts has 301 lines, of at most 300.',
    ]);
  });

  test.each([
    [(body: string) => `function f() {${body}}`],
    [(body: string) => `const f = () => {${body}};`],
    [(body: string) => `class C { f() {${body}} }`],
    [(body: string) => `const o = { get f() {${body}} };`],
  ])('a long function', (around) => {
    expect(rules.findLongFunctions({ 'src/lib/a.ts': `\n${around(lines(60))}` })).toEqual([]);
    expect(rules.findLongFunctions({ 'src/lib/a.ts': `\n${around(lines(61))}` })).toEqual([
      'src/lib/a.ts:2: a function has 61 lines, of at most 60.',
    ]);
  });
});
