/** What `npm run build` adds to the command line: what is put into the bundle beside code. */
import { defineConfig } from 'rolldown';
import { inlinePage } from './inline-plugin.ts';

export default defineConfig({ input: 'src/cli/main.ts', plugins: [inlinePage()] });
