/**
 * A stand-in for the image that the Dockerfile builds on, for machines that reach no registry of images: a Debian made by
 * debootstrap with the pinned Node and an npm, at the places where the official image has them. It shows that our
 * Dockerfile works; not that the official image does.
 */
import { execFile } from 'node:child_process';
import { copyFile, mkdir, symlink } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';

const run = promisify(execFile);

const npmVersion = '11.6.2';
/** As the official image has them; a Debian without cannot run Node. */
const libraries = ['libatomic1', 'libstdc++6'];

/** Packs it into `archive`; takes a minute. Needs root and debootstrap. */
export async function packBase(folder: string, archive: string): Promise<void> {
  const root = join(folder, 'root');
  const include = `--include=${libraries.join()}`;
  await run('debootstrap', ['--variant=minbase', include, 'bookworm', root, await mirror()]);
  await copyFile(process.execPath, join(root, 'usr/local/bin/node'));
  const npm = join(root, 'usr/local/lib/node_modules/npm');
  await mkdir(npm, { recursive: true });
  const pack = ['pack', `npm@${npmVersion}`, '--silent', '--pack-destination', folder];
  await run('npm', pack);
  const packed = join(folder, `npm-${npmVersion}.tgz`);
  await run('tar', ['-xzf', packed, '-C', npm, '--strip-components=1']);
  await symlink('../lib/node_modules/npm/bin/npm-cli.js', join(root, 'usr/local/bin/npm'));
  await run('tar', ['-cf', archive, '-C', root, '.']);
}

/** Where this machine's own packages come from. */
async function mirror(): Promise<string> {
  const wanted = ['Identifier: Packages', 'Codename: bookworm', 'Component: main'];
  const { stdout } = await run('apt-get', ['indextargets', '--format', '$(REPO_URI)', ...wanted]);
  const [first = ''] = stdout.split('\n');
  if (first === '')
    throw new Error('apt knows no mirror of Debian 12: run this on one, after apt-get update.');
  return first;
}
