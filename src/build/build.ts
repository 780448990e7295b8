/**
 * `npm run build`: the bundle, and what is shipped beside it. With another path than dist/etcd-lb.js all of it
 * goes to the folder of that path.
 *
 *   bundle ──┬──► etcd-lb.js         the program
 *            ├──► etcd-lb.1          its manual page, which it prints itself
 *            ├──► NOTICE             licences of the packages in it
 *            └──► etcd-lb.cdx.json   these packages, as a bill of materials
 */
import { execFile } from 'node:child_process';
import { writeFile } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import { argv, execPath } from 'node:process';
import { promisify } from 'node:util';
import { buildBundle } from './bundle.ts';
import { noticeOf } from './licences/notice.ts';
import { type Package, packagesOf } from './licences/packages.ts';
import { sbomOf } from './licences/sbom.ts';

/** Writes the bundle to `file`, and the rest beside it. @returns the packages in it. */
export async function build(file: string): Promise<readonly Package[]> {
  const folder = dirname(file);
  const packages = await packagesOf(await buildBundle(file));
  const page = await promisify(execFile)(execPath, [resolve(file), 'manual']);
  await writeFile(join(folder, 'etcd-lb.1'), page.stdout);
  await writeFile(join(folder, 'NOTICE'), noticeOf(packages));
  await writeFile(join(folder, 'etcd-lb.cdx.json'), sbomOf(packages));
  return packages;
}

if (import.meta.main) await build(argv[2] ?? 'dist/etcd-lb.js');
