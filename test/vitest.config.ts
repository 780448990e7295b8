/** One configuration for every test; `vitest run --config test/vitest.config.ts`. */
import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    root: new URL('..', import.meta.url).pathname,
    include: ['test/**/*.test.ts'],
    globalSetup: 'test/global-setup.ts',
    // Real processes and sockets: a process a file, and as many at a time as a small machine bears.
    pool: 'forks',
    maxWorkers: 2,
    testTimeout: 30_000,
    hookTimeout: 60_000,
    reporters: process.stdout.isTTY ? ['default'] : ['verbose'],
  },
});
