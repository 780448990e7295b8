/**
 * `npm run build:binary`: etcd-lb and Node in one executable, for machines that have no Node.
 *
 *   bundle ─────────────┐
 *                       ├──► node --build-sea ──► dist/etcd-lb
 *   this Node, strip ───┘
 *
 * It runs on the system and processor that it is built on, and needs the C and C++ libraries that Node needs.
 * bundle.ts makes the bundle.
 */
import { execFile } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { argv, execPath } from 'node:process';
import { promisify } from 'node:util';
import { buildBundle } from './bundle.ts';

const run = promisify(execFile);

/** Writes the executable to `file`. */
async function buildBinary(file: string): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), 'etcd-lb-build-'));
  try {
    const main = join(folder, 'etcd-lb.js');
    const config = join(folder, 'config.json');
    await buildBundle(main);
    const executable = await stripped(execPath, join(folder, 'node'));
    await writeFile(
      config,
      JSON.stringify({
        executable,
        main,
        mainFormat: 'module',
        output: resolve(file),
        disableExperimentalSEAWarning: true,
        // Compiled here, not at each start.
        useCodeCache: true,
      }),
    );
    await run(execPath, [`--build-sea=${config}`]);
  } finally {
    await rm(folder, { recursive: true });
  }
}

/** The path of an executable without its symbol table, a fifth of Node; unchanged where `strip` is missing. */
async function stripped(executable: string, copy: string): Promise<string> {
  try {
    await run('strip', ['-o', copy, executable]);
    return copy;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
    console.warn('etcd-lb: strip (of binutils) is missing, so the executable is larger.');
    return executable;
  }
}

if (import.meta.main) await buildBinary(argv[2] ?? 'dist/etcd-lb');
