/**
 * Builds the status page: the sources in browser/ become a document, a style sheet and one script, with the
 * plotting library in it.
 *
 * Owns what the page is made of and where it is served. Runs where the development dependencies are: in a
 * checkout when the page is first asked for (from-source.ts), else when the bundle is built (inline-plugin.ts).
 */
import { readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { build, type Plugin } from 'rolldown';
import type { PageFiles } from '../observe/server/page.ts';

const sources = join(import.meta.dirname, 'browser');

/** @param plugins of the build of its script. Throws when a source does not compile. */
export async function buildPage(plugins: readonly Plugin[] = []): Promise<PageFiles> {
  const [document, style, plotStyle, script] = await Promise.all([
    readFile(join(sources, 'index.html'), 'utf8'),
    readFile(join(sources, 'page.css'), 'utf8'),
    readFile(createRequire(import.meta.url).resolve('uplot/dist/uPlot.min.css'), 'utf8'),
    bundled(join(sources, 'main.ts'), plugins),
  ]);
  return {
    '': { type: 'text/html; charset=utf-8', body: document },
    // Our style follows the library's, so that ours decides.
    'page/page.css': { type: 'text/css; charset=utf-8', body: slim(`${plotStyle}\n${style}`) },
    'page/page.js': { type: 'text/javascript; charset=utf-8', body: script },
  };
}

/** A style sheet without comments and indentation. */
function slim(css: string): string {
  return css.replaceAll(/\/\*[\s\S]*?\*\//g, '').replaceAll(/\n\s+/g, '\n');
}

async function bundled(input: string, plugins: readonly Plugin[]): Promise<string> {
  const { output } = await build({
    input,
    plugins: [...plugins],
    platform: 'browser',
    tsconfig: false, // types are checked elsewhere; the image is built without the file
    write: false,
    logLevel: 'silent',
    output: { format: 'esm', codeSplitting: false, minify: true },
  });
  return output[0].code;
}
