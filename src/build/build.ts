/**
 * `npm run build`: the bundle, and what is shipped beside it. With another path than dist/etcd-lb.js all of it
 * goes to the folder of that path.
 *
 *   bundle ──┬──► etcd-lb.js         the program
 *            ├──► etcd-lb.1          its manual page
 *            ├──► NOTICE             licences of the packages in it
 *            └──► etcd-lb.cdx.json   these packages, as a bill of materials
 */
import { writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { argv } from 'node:process';
import { buildBundle } from './bundle.ts';
import { noticeOf } from './licences/notice.ts';
import { type Package, packagesOf } from './licences/packages.ts';
import { sbomOf } from './licences/sbom.ts';
import { manual } from './manual.ts';

/** Writes the bundle to `file`, and the rest beside it. @returns the packages in it. */
export async function build(file: string): Promise<readonly Package[]> {
  const folder = dirname(file);
  const packages = await packagesOf(await buildBundle(file));
  await writeFile(join(folder, 'etcd-lb.1'), manual());
  await writeFile(join(folder, 'NOTICE'), noticeOf(packages));
  await writeFile(join(folder, 'etcd-lb.cdx.json'), sbomOf(packages));
  return packages;
}

if (import.meta.main) await build(argv[2] ?? 'dist/etcd-lb.js');
