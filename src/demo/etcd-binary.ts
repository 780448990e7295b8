/**
 * Finds an etcd to run: the one in $ETCD, the one in PATH, or the distribution's own package.
 *
 *   $ETCD ──► PATH ──► .cache/etcd/ ──► apt-get download + dpkg -x into .cache/etcd/
 *
 * Packages are unpacked into a cache folder of the project, checked by apt against the
 * distribution's keys; nothing is installed and no root is needed. A private copy of the package
 * lists is fetched only where the machine has none, or for the next release of the distribution,
 * which carries the next release of etcd.
 *
 * local-cluster.ts runs it.
 */
import { execFile } from 'node:child_process';
import { constants } from 'node:fs';
import { access, mkdir, mkdtemp, readdir, readFile, rename, rm, stat } from 'node:fs/promises';
import { delimiter, dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { Apt } from './apt.ts';

const run = promisify(execFile);

/** An etcd that has been run once as a test. Paths are absolute. */
export interface EtcdBinary {
  readonly etcd: string;
  /** The command-line client, where there is one. */
  readonly etcdctl: string | undefined;
  /** As etcd prints it, such as `3.4.23`. */
  readonly version: string;
  /** Where it came from, for a person: `$ETCD`, `PATH`, `Debian bookworm`. */
  readonly source: string;
}

export interface FindEtcdOptions {
  /**
   * `stable` (the default): `$ETCD`, then PATH, then the distribution's package.
   * `next`: `$ETCD_NEXT`, then the package of the distribution's next release.
   */
  readonly release?: 'stable' | 'next';
  /** Called with lines for a person about slow steps; not called when etcd is there already. */
  readonly onProgress?: (line: string) => void;
  readonly signal?: AbortSignal;
}

const cacheFolder = join(import.meta.dirname, '../../.cache/etcd');

/** The next release after each: Debian 12 has etcd 3.4, Debian 13 has 3.5. */
const nextRelease: Readonly<Record<string, string>> = { bookworm: 'trixie' };

/** Temporary folders older than this (ms) were left by a process that was killed. */
const abandonedAfter = 60 * 60_000;

/**
 * Finds etcd, or fetches it.
 *
 * @throws one sentence that says what is missing and what to do; the signal's reason when aborted.
 */
export async function findEtcd(options: FindEtcdOptions = {}): Promise<EtcdBinary> {
  const { release = 'stable', signal } = options;
  const variable = release === 'stable' ? 'ETCD' : 'ETCD_NEXT';
  const named = process.env[variable];
  if (named) return await fromVariable(variable, named, signal);
  if (release === 'stable') {
    const etcd = await inPath('etcd');
    const version = etcd && (await versionOf(etcd, signal));
    if (version) return { etcd, etcdctl: await clientBeside(etcd), version, source: 'PATH' };
  }
  return await fromDistribution(release, options);
}

async function fromVariable(
  variable: string,
  etcd: string,
  signal: AbortSignal | undefined,
): Promise<EtcdBinary> {
  const version = await versionOf(etcd, signal);
  if (version === undefined) {
    throw new Error(
      `$${variable} is ${etcd}, which does not run as etcd: set it to the path of an etcd binary, or unset it.`,
    );
  }
  return { etcd, etcdctl: await clientBeside(etcd), version, source: `$${variable}` };
}

/** The version that etcd prints, or undefined when this is not an etcd that runs here. */
async function versionOf(etcd: string, signal?: AbortSignal): Promise<string | undefined> {
  try {
    const { stdout } = await run(etcd, ['--version'], {
      ...(signal && { signal }),
      timeout: 10_000,
    });
    return /^etcd Version: (\S+)/m.exec(stdout)?.[1];
  } catch {
    signal?.throwIfAborted();
    return undefined;
  }
}

async function clientBeside(etcd: string): Promise<string | undefined> {
  const { ETCDCTL } = process.env;
  const beside = join(dirname(etcd), 'etcdctl');
  return ETCDCTL || ((await isExecutable(beside)) ? beside : await inPath('etcdctl'));
}

async function inPath(command: string): Promise<string | undefined> {
  const { PATH = '' } = process.env;
  for (const folder of PATH.split(delimiter)) {
    const candidate = join(folder, command);
    if (folder !== '' && (await isExecutable(candidate))) return candidate;
  }
  return undefined;
}

async function isExecutable(path: string): Promise<boolean> {
  return await access(path, constants.X_OK).then(
    async () => (await stat(path)).isFile(),
    () => false,
  );
}

async function fromDistribution(
  release: 'stable' | 'next',
  { onProgress = () => {}, signal }: FindEtcdOptions,
): Promise<EtcdBinary> {
  const distribution = await thisDistribution();
  const codename =
    release === 'stable' ? distribution.codename : nextRelease[distribution.codename];
  if (codename === undefined) {
    throw new Error(
      `No newer etcd is known for ${distribution.name} ${distribution.codename}: set ETCD_NEXT=/path/to/etcd.`,
    );
  }
  const folder = join(cacheFolder, `${codename}-${process.arch}`);
  const source = `${distribution.name} ${codename}`;

  const cached = await inFolder(folder, source, signal);
  if (cached) return cached;
  if (!(await inPath('apt-get')) || !(await inPath('dpkg'))) {
    const variable = release === 'stable' ? 'ETCD' : 'ETCD_NEXT';
    throw new Error(
      `etcd is missing, and without apt-get and dpkg it cannot be fetched: install etcd, or set ${variable}=/path/to/etcd.`,
    );
  }

  await mkdir(cacheFolder, { recursive: true });
  await sweepAbandoned();
  // All work happens in a private folder: two test workers may be here at once, and either may
  // be interrupted. The finished folder appears by one rename.
  const work = await mkdtemp(join(cacheFolder, '.fetch-'));
  try {
    const apt = new Apt(work, source, onProgress, signal);
    if (release === 'next') await apt.useRelease(distribution.codename, codename);
    const unpacked = await apt.unpack(['etcd-server', 'etcd-client']);
    await publish(unpacked, folder, signal);
  } finally {
    await rm(work, { recursive: true, force: true });
  }
  const fetched = await inFolder(folder, source, signal);
  if (!fetched) {
    throw new Error(`The etcd of ${source} does not run on this machine: set ETCD=/path/to/etcd.`);
  }
  onProgress(`etcd ${fetched.version} of ${source} is in ${folder}`);
  return fetched;
}

async function inFolder(
  folder: string,
  source: string,
  signal: AbortSignal | undefined,
): Promise<EtcdBinary | undefined> {
  const etcd = join(folder, 'etcd');
  const version = await versionOf(etcd, signal);
  return version === undefined
    ? undefined
    : { etcd, etcdctl: await clientBeside(etcd), version, source };
}

/** Makes `unpacked` the cache folder, unless another process was first. */
async function publish(unpacked: string, folder: string, signal?: AbortSignal): Promise<void> {
  // An existing etcd that does not run is a leftover, and is removed.
  if ((await versionOf(join(folder, 'etcd'), signal)) === undefined) {
    await rm(folder, { recursive: true, force: true });
  }
  try {
    await rename(unpacked, folder);
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code;
    if (code !== 'ENOTEMPTY' && code !== 'EEXIST') throw error;
  }
}

async function sweepAbandoned(): Promise<void> {
  for (const name of await readdir(cacheFolder)) {
    if (!name.startsWith('.fetch-')) continue;
    const path = join(cacheFolder, name);
    const age = await stat(path).then(
      ({ mtimeMs }) => Date.now() - mtimeMs,
      () => 0,
    );
    if (age > abandonedAfter) await rm(path, { recursive: true, force: true });
  }
}

async function thisDistribution(): Promise<{ name: string; codename: string }> {
  const text = await readFile('/etc/os-release', 'utf8').catch(() => '');
  const field = (name: string) => new RegExp(`^${name}="?([^"\n]*)"?$`, 'm').exec(text)?.[1];
  const name = field('NAME')?.split(' ')[0] ?? 'this system';
  return { name, codename: field('VERSION_CODENAME') ?? field('ID') ?? process.platform };
}
