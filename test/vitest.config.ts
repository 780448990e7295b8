/** One configuration for every test; `vitest run --config test/vitest.config.ts`. */
import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    root: new URL('..', import.meta.url).pathname,
    include: ['test/**/*.test.ts'],
    globalSetup: 'test/global-setup.ts',
    // Real processes and sockets: a process a file. Two cores have time for four, as most of them wait.
    pool: 'forks',
    maxWorkers: 4,
    // The program is started hundreds of times: compiled once, a start takes half the time.
    env: { NODE_COMPILE_CACHE: new URL('../.cache/compiled', import.meta.url).pathname },
    testTimeout: 30_000,
    hookTimeout: 60_000,
    reporters: process.stdout.isTTY ? ['default'] : ['verbose'],
  },
});
