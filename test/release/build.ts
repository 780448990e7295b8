/** What `npm run build` makes, once for the tests of a file, in a folder of its own. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { build } from '../../src/build/build.ts';
import type { Package } from '../../src/build/licences/packages.ts';

export interface Built extends AsyncDisposable {
  readonly folder: string;
  /** Those in the bundle. */
  readonly packages: readonly Package[];
}

export async function built(): Promise<Built> {
  const folder = await mkdtemp(join(tmpdir(), 'etcd-lb-built-'));
  const packages = await build(join(folder, 'etcd-lb.js'));
  return { folder, packages, [Symbol.asyncDispose]: () => rm(folder, { recursive: true }) };
}
