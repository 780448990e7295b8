/**
 * `npm run build:binary`: etcd-lb and Node in one executable, for machines that have no Node.
 *
 *   bundle ─────────────┐
 *                       ├──► node --build-sea ──► dist/etcd-lb
 *   this Node, strip ───┘
 *
 * It runs on the system and processor that it is built on, and needs the C and C++ libraries that Node needs.
 * The same bundle and the same Node give the same bytes. bundle.ts makes the bundle.
 */
import { execFile } from 'node:child_process';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { argv, execPath } from 'node:process';
import { promisify } from 'node:util';
import { buildBundle } from './bundle.ts';

const run = promisify(execFile);

/** Writes the executable to `file`. */
export async function buildBinary(file: string): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), 'etcd-lb-build-'));
  try {
    await buildBundle(join(folder, 'etcd-lb.js'));
    await mkdir(dirname(file), { recursive: true });
    const config = {
      executable: await stripped(execPath, join(folder, 'node')),
      // Becomes part of the executable, so it must not name the folder.
      main: 'etcd-lb.js',
      mainFormat: 'module',
      output: resolve(file),
      disableExperimentalSEAWarning: true,
      // Compiled here, not at each start.
      useCodeCache: true,
    };
    await writeFile(join(folder, 'config.json'), JSON.stringify(config));
    // Compiled code depends on the seed of hashes, which is random otherwise. (--hash-seed would have it refused.)
    await run(execPath, ['--random-seed=1', '--build-sea=config.json'], { cwd: folder });
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
