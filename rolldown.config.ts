/** What `npm run build` adds to the command line: what is put into the bundle beside code. */
import { defineConfig } from 'rolldown';
import { inlinePage } from './src/page/inline-plugin.ts';

export default defineConfig({ plugins: [inlinePage()] });
