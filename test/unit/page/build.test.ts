/** The page as it is built, and that the bundle serves the same one without its sources. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { build } from 'rolldown';
import { expect, onTestFinished, test } from 'vitest';
import { pageFiles } from '../../../src/page/from-source.ts';
import { inlinePage } from '../../../src/page/inline-plugin.ts';

const root = join(import.meta.dirname, '../../..');

test('is a document, a style sheet and a script, and names nothing else', async () => {
  const files = await pageFiles();
  expect(Object.keys(files)).toEqual(['', 'page/page.css', 'page/page.js']);
  const document = files['']?.body ?? '';
  const named = [...document.matchAll(/(?:href|src)="([^"#]+)"/g)].map(([, address]) => address);
  expect(named.filter((address) => !address?.startsWith('data:'))).toEqual([
    ...['page/page.css', 'page/page.js', 'status', 'status', 'metrics', 'readyz?verbose'],
  ]);
  // Neither would be allowed to run.
  expect(document).not.toMatch(/<style|style="|<script>| on\w+="/);
  expect(files['page/page.css']?.body).not.toMatch(/url\(|@import/);
});

test('is the same in the bundle, which needs no sources', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'etcd-lb-page-'));
  onTestFinished(() => rm(folder, { recursive: true }));
  const file = join(folder, 'page.mjs');
  const input = join(root, 'src/page/from-source.ts');
  const output = await build({
    input,
    platform: 'node',
    plugins: [inlinePage()],
    output: { file },
  });
  expect(output.output[0].moduleIds).toEqual([input]);
  const inlined = (await import(file)) as { pageFiles: typeof pageFiles };
  expect(await inlined.pageFiles()).toEqual(await pageFiles());
});
