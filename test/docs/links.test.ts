/** Links between the pages lead somewhere: to a file that is there, and to a heading that it has. */
import { existsSync, globSync, readFileSync } from 'node:fs';
import { dirname, join, normalize } from 'node:path';
import { expect, test } from 'vitest';

const root = join(import.meta.dirname, '../..');
const read = (path: string): string => readFileSync(join(root, path), 'utf8');
const pages = globSync(['*.md', 'docs/*.md', 'config/**/README.md'], { cwd: root }).toSorted();

test('these are all pages', () => {
  expect(pages).toEqual(
    expect.arrayContaining(['CHANGELOG.md', 'CONTRIBUTING.md', 'README.md', 'SECURITY.md']),
  );
  expect(pages.filter((path) => path.startsWith('docs/')).length).toBeGreaterThan(10);
  expect(pages.filter((path) => path.startsWith('config/')).length).toBeGreaterThan(1);
});

test.each(pages)('%s links to what is there', (path) => {
  expect(
    brokenIn(path, read(path), (other) =>
      existsSync(join(root, other)) ? read(other) : undefined,
    ),
  ).toEqual([]);
});

test('README.md leads to every page of docs', () => {
  const text = read('README.md');
  const own = pages.filter((path) => path.startsWith('docs/'));
  expect(own.filter((path) => !text.includes(`](${path})`))).toEqual([]);
});

test('a link to a file or a heading that is not there is found', () => {
  const others: Readonly<Record<string, string>> = {
    'docs/b.md': '# B\n\n## What `x` is: 1, 2 …\n\n## Same\n\n## Same\n\n```\n# no heading\n```\n',
  };
  const broken = (text: string) => brokenIn('docs/a.md', text, (path) => others[path]);
  expect(broken('[b](b.md) [x](b.md#what-x-is-1-2-) [s](b.md#same-1) [w](https://x.y/#z)')).toEqual(
    [],
  );
  expect(broken('# A\n[here](#a)')).toEqual([]);
  expect(broken('[c](c.md) [n](b.md#no-heading)\n![p](p.png) [h](#here)')).toEqual([
    ...['c.md', 'b.md#no-heading', 'p.png', '#here'],
  ]);
});

/** The links of a page that lead nowhere. `contentOf` gives what is at a path, `undefined` if there is nothing. */
function brokenIn(
  page: string,
  text: string,
  contentOf: (path: string) => string | undefined,
): string[] {
  const links = [...withoutBlocks(text).matchAll(/\]\(([^)\s]+)\)/g)].map(([, link = '']) => link);
  return links.filter((link) => {
    if (/^[a-z]+:/.test(link)) return false;
    const [file = '', anchor] = link.split('#');
    const target = file === '' ? text : contentOf(normalize(join(dirname(page), file)));
    return target === undefined || (anchor !== undefined && !anchorsOf(target).has(anchor));
  });
}

/** Of the headings, as GitHub makes them: lower case, without punctuation, with hyphens for spaces, and a number after the first. */
function anchorsOf(page: string): Set<string> {
  const headings = withoutBlocks(page).matchAll(/^#{1,6} (.+)$/gm);
  const anchors = new Set<string>();
  for (const [, heading = ''] of headings) {
    const shown = heading.replaceAll(/\[([^\]]*)\]\([^)]*\)/g, '$1');
    const plain = shown.toLowerCase().replaceAll(/[^\p{L}\p{N}_\- ]/gu, '');
    const slug = plain.replaceAll(' ', '-');
    let anchor = slug;
    for (let n = 1; anchors.has(anchor); n += 1) anchor = `${slug}-${n}`;
    anchors.add(anchor);
  }
  return anchors;
}

function withoutBlocks(text: string): string {
  return text.replaceAll(/^```[\s\S]*?^```/gm, '');
}
