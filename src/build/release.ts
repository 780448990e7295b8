/**
 * `npm run release`: everything that people install, in dist/release, with checksums.
 *
 *   etcd-lb-VERSION.tgz                     the npm package
 *   etcd-lb_VERSION_ARCHITECTURE.deb        for Debian and Ubuntu
 *   etcd-lb-VERSION-PLATFORM.tar.gz         the executable, for other Linux
 *   etcd-lb-VERSION-kubernetes.tar.gz       config/kubernetes
 *   etcd-lb.cdx.json, NOTICE                what is in the executable, and its licences
 *   SHA256SUMS                              of all of these
 *
 * The same commit on the same kind of machine gives the same bytes. `npm run release -- --verify` builds all of it
 * twice and compares.
 */
import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { cp, mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { arch, argv, exit, platform } from 'node:process';
import { promisify } from 'node:util';
import manifest from '../../package.json' with { type: 'json' };
import { buildBinary } from './binary.ts';
import { build } from './build.ts';
import { buildDeb, debName } from './deb/deb.ts';
import { thisNode } from './licences/node.ts';
import { noticeOf } from './licences/notice.ts';
import { sbomOf } from './licences/sbom.ts';
import { sourceDate } from './source-date.ts';

const run = promisify(execFile);
const root = join(import.meta.dirname, '../..');
const title = `${manifest.name}-${manifest.version}`;

/**
 * Fills the folder, which is emptied first.
 *
 * @param executable path of one that is built already; it is built if not given, into dist/.
 */
export async function release(folder: string, executable?: string): Promise<void> {
  await rm(folder, { recursive: true, force: true });
  await mkdir(folder, { recursive: true });
  const packages = await build(join(root, 'dist/etcd-lb.js'));
  const node = await thisNode();
  const parts = {
    executable: executable ?? join(root, 'dist/etcd-lb'),
    manual: await readFile(join(root, 'dist/etcd-lb.1'), 'utf8'),
    notice: noticeOf(packages, node),
    sbom: sbomOf(packages, node),
  };
  if (executable === undefined) await buildBinary(parts.executable);
  await writeFile(join(folder, 'NOTICE'), parts.notice);
  await writeFile(join(folder, 'etcd-lb.cdx.json'), parts.sbom);
  await run('npm', ['pack', '--ignore-scripts', '--silent', '--pack-destination', folder], {
    cwd: root,
  });
  await buildDeb(join(folder, debName), parts);
  await archive(join(folder, `${title}-${platform}-${arch}.tar.gz`), {
    'etcd-lb': parts.executable,
    'etcd-lb.1': join(root, 'dist/etcd-lb.1'),
    LICENSE: join(root, 'LICENSE'),
    NOTICE: join(folder, 'NOTICE'),
    systemd: join(root, 'config/systemd'),
  });
  await archive(join(folder, `${title}-kubernetes.tar.gz`), {
    kubernetes: join(root, 'config/kubernetes'),
  });
  await writeFile(join(folder, 'SHA256SUMS'), await sums(folder));
}

/** Writes an archive with one folder, and in it these files and folders, by their names there. */
async function archive(file: string, entries: Readonly<Record<string, string>>): Promise<void> {
  const work = await mkdtemp(join(tmpdir(), 'etcd-lb-archive-'));
  try {
    for (const [name, path] of Object.entries(entries)) {
      await cp(path, join(work, title, name), { recursive: true });
    }
    const same = [
      ...['--sort=name', '--format=gnu', `--mtime=@${sourceDate()}`, '--mode=u=rwX,go=rX'],
      ...['--owner=0', '--group=0', '--numeric-owner'],
    ];
    await run('tar', [...same, '-I', 'gzip -n', '-cf', file, '-C', work, title]);
  } finally {
    await rm(work, { recursive: true });
  }
}

/** As sha256sum writes and checks them. */
async function sums(folder: string): Promise<string> {
  const names = (await readdir(folder)).sort();
  const lines = names.map(async (name) => {
    const hash = createHash('sha256').update(await readFile(join(folder, name)));
    return `${hash.digest('hex')}  ${name}\n`;
  });
  return (await Promise.all(lines)).join('');
}

/** Which files are not the same in both folders, as lines of their checksums. */
export async function differences(folders: readonly string[]): Promise<string[]> {
  const texts = folders.map((folder) => readFile(join(folder, 'SHA256SUMS'), 'utf8'));
  const [first = [], second = []] = (await Promise.all(texts)).map((text) => text.split('\n'));
  return first.filter((line) => !second.includes(line));
}

async function main(flags: readonly string[]): Promise<number> {
  const folder = join(root, 'dist/release');
  await release(folder);
  console.log(await readFile(join(folder, 'SHA256SUMS'), 'utf8'));
  if (!flags.includes('--verify')) return 0;
  const again = await mkdtemp(join(tmpdir(), 'etcd-lb-release-'));
  try {
    await release(again);
    const different = await differences([folder, again]);
    for (const line of different) console.error(`etcd-lb: the second build differs: ${line}`);
    if (different.length === 0) console.log('The second build has the same checksums.');
    return different.length === 0 ? 0 : 1;
  } finally {
    await rm(again, { recursive: true });
  }
}

if (import.meta.main) exit(await main(argv.slice(2)));
