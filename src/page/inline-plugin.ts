/**
 * A plugin that puts the status page into the bundle, in place of from-source.ts. Its files are one string
 * of compressed text, which is unpacked when somebody asks for the page.
 */
import { gzipSync } from 'node:zlib';
import type { Plugin } from 'rolldown';
import { buildPage } from './build.ts';

/** @param plugins of the build of the page's script. */
export function inlinePage(plugins: readonly Plugin[] = []): Plugin {
  return {
    name: 'inline-page',
    load: {
      filter: { id: /[\\/]src[\\/]page[\\/]from-source\.ts$/ },
      handler: async () => {
        const files = gzipSync(JSON.stringify(await buildPage(plugins)), { level: 9 }).toString(
          'base64',
        );
        return `
          import { gunzipSync } from 'node:zlib';
          export async function pageFiles() {
            return JSON.parse(gunzipSync(Buffer.from('${files}', 'base64')).toString());
          }`;
      },
    },
  };
}
