/**
 * The status page in a checkout: built in memory when it is first asked for. In the bundle
 * inline-plugin.ts replaces this module by the finished files.
 */
import type { PageFiles } from '../observe/server/page.ts';

/** Throws one sentence when the page cannot be built. */
export async function pageFiles(): Promise<PageFiles> {
  try {
    const { buildPage } = await import('./build.ts');
    return await buildPage();
  } catch (error) {
    const [why] = String(error instanceof Error ? error.message : error).split('\n');
    throw new Error(
      `the status page cannot be built from its sources (${why}): run npm install, or use the bundle of npm run build`,
    );
  }
}
