/** The Node that is in the executable: its licence, and what it is made of. */
import { execFile } from 'node:child_process';
import { mkdir, mkdtemp, readFile, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { arch, execPath, platform, version, versions } from 'node:process';
import { promisify } from 'node:util';

const run = promisify(execFile);
const root = join(import.meta.dirname, '../../..');

/** The package of npm that has this Node; the pinned one is unpacked from it. */
const name = `node-${platform}-${arch}`;
const cached = join(root, `.cache/${name}-${version}-LICENSE`);

/** Where a release of Node has its licence: as unpacked, as npm unpacks it, and as fetched here. */
const places = [
  join(execPath, '../../LICENSE'),
  join(root, `node_modules/node/node_modules/${name}/LICENSE`),
  cached,
];

/** Numbers of interfaces rather than versions of software. */
const interfaces = ['node', 'modules', 'napi'];

export interface Runtime {
  /** Such as `26.10.0`. */
  readonly version: string;
  /** Its licence, and those of all that it contains. */
  readonly text: string;
  /** Name and version of what it contains, such as openssl. */
  readonly parts: Readonly<Record<string, string>>;
}

/** The Node that runs this. Throws when its licence is neither here nor to be had. */
export async function thisNode(): Promise<Runtime> {
  const parts = Object.entries(versions).filter(
    ([part, each]) => each && !interfaces.includes(part),
  ) as [string, string][];
  return { version: version.slice(1), text: await licence(), parts: Object.fromEntries(parts) };
}

async function licence(): Promise<string> {
  for (const path of places) {
    const text = await readFile(path, 'utf8').catch(() => undefined);
    if (text !== undefined) return text;
  }
  await fetchLicence();
  return await readFile(cached, 'utf8');
}

/** npm has mostly downloaded it before. A later `npm install` than the first removes it from node_modules. */
async function fetchLicence(): Promise<void> {
  await mkdir(join(root, '.cache'), { recursive: true });
  const folder = await mkdtemp(join(root, '.cache/licence-'));
  try {
    const { stdout } = await run('npm', ['pack', '--silent', `${name}@${version.slice(1)}`], {
      cwd: folder,
    });
    await run('tar', ['-xzf', stdout.trim(), 'package/LICENSE'], { cwd: folder });
    await rename(join(folder, 'package/LICENSE'), cached);
  } catch (error) {
    throw new Error(
      `The executable contains Node, whose licence npm could not fetch (${(error as Error).message}): copy it to ${cached}.`,
    );
  } finally {
    await rm(folder, { recursive: true });
  }
}
