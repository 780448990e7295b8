/**
 * `npm run build:deb`: a package for Debian and Ubuntu, dist/etcd-lb_VERSION_ARCHITECTURE.deb.
 *
 *   executable, manual, completion, units of config/systemd, licences ──► a folder ──► dpkg-deb
 *
 * The same sources give the same bytes. contents.ts says what is in it, control.ts what dpkg is told, and the scripts
 * beside this file run when it is installed and removed.
 */
import { execFile } from 'node:child_process';
import {
  chmod,
  copyFile,
  lutimes,
  mkdir,
  mkdtemp,
  readdir,
  readFile,
  rm,
  writeFile,
} from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { argv, env } from 'node:process';
import { promisify } from 'node:util';
import manifest from '../../../package.json' with { type: 'json' };
import { buildBinary } from '../binary.ts';
import { build } from '../build.ts';
import { thisNode } from '../licences/node.ts';
import { noticeOf } from '../licences/notice.ts';
import { sbomOf } from '../licences/sbom.ts';
import { sourceDate } from '../source-date.ts';
import { contents, type Parts, type Placed } from './contents.ts';
import { architecture, control } from './control.ts';

const scripts = ['postinst', 'prerm', 'postrm'];

/** Such as `etcd-lb_0.1.0_amd64.deb`. */
export const debName = `${manifest.name}_${manifest.version}_${architecture()}.deb`;

/** Writes the package to `file`. Throws when dpkg-deb is missing. */
export async function buildDeb(file: string, parts: Parts): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), 'etcd-lb-deb-'));
  try {
    const placed = await contents(parts);
    for (const each of placed) await place(folder, each);
    await mkdir(join(folder, 'etc/etcd-lb'), { recursive: true });
    await describe(folder, placed);
    await date(folder, sourceDate());
    await mkdir(dirname(file), { recursive: true });
    // Level 1 of xz takes 5 s instead of 85 s, for 33 MB instead of 28. Several threads divide the data elsewhere.
    const options = ['--root-owner-group', '-Zxz', '-z1', '--build', folder, file];
    await promisify(execFile)('dpkg-deb', options, {
      env: { ...env, SOURCE_DATE_EPOCH: String(sourceDate()), DPKG_DEB_THREADS_MAX: '1' },
    });
  } finally {
    await rm(folder, { recursive: true });
  }
}

async function place(folder: string, { path, content, mode }: Placed): Promise<void> {
  const file = join(folder, path);
  await mkdir(dirname(file), { recursive: true });
  await writeFile(file, content);
  await chmod(file, mode);
}

/** Writes the folder DEBIAN. */
async function describe(folder: string, placed: readonly Placed[]): Promise<void> {
  const size = placed.reduce((sum, { content }) => sum + Math.ceil(content.length / 1024), 0);
  const debian = join(folder, 'DEBIAN');
  await mkdir(debian);
  await writeFile(join(debian, 'control'), control(size));
  await chmod(join(debian, 'control'), 0o644);
  for (const script of scripts) {
    await copyFile(join(import.meta.dirname, script), join(debian, script));
    await chmod(join(debian, script), 0o755);
  }
}

/** Dates all files and folders to `seconds`, and lets everybody read the folders, whatever the umask here. */
async function date(folder: string, seconds: number): Promise<void> {
  for (const entry of await readdir(folder, { recursive: true, withFileTypes: true })) {
    const path = join(entry.parentPath, entry.name);
    if (entry.isDirectory()) await chmod(path, 0o755);
    await lutimes(path, seconds, seconds);
  }
  await chmod(folder, 0o755);
  await lutimes(folder, seconds, seconds);
}

/** Builds all parts into dist/ and the package of them. */
async function main(file: string): Promise<void> {
  const packages = await build('dist/etcd-lb.js');
  await buildBinary('dist/etcd-lb');
  const node = await thisNode();
  await buildDeb(file, {
    executable: 'dist/etcd-lb',
    manual: await readFile('dist/etcd-lb.1', 'utf8'),
    notice: noticeOf(packages, node),
    sbom: sbomOf(packages, node),
  });
}

if (import.meta.main) await main(argv[2] ?? join('dist', debName));
