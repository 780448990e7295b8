/**
 * Finds an etcd to run: the one it is told of, the one in PATH, or the distribution's own package.
 *
 *   $ETCD ──► PATH ──► .cache/etcd/ ──► apt-get download + dpkg -x into .cache/etcd/
 *
 * Packages are unpacked into a cache folder of the project, checked by apt against the
 * distribution's keys; nothing is installed and no root is needed. A private copy of the package
 * lists is fetched only where the machine has none, or for the next release of the distribution,
 * which carries the next release of etcd.
 *
 * Leaves running etcd to local-cluster.ts.
 */
import { execFile } from 'node:child_process';
import { constants } from 'node:fs';
import {
  access,
  mkdir,
  mkdtemp,
  readdir,
  readFile,
  rename,
  rm,
  stat,
  writeFile,
} from 'node:fs/promises';
import { delimiter, dirname, join } from 'node:path';
import { promisify } from 'node:util';

const run = promisify(execFile);

/** An etcd that has been run once to see that it runs. Paths are absolute. */
export interface EtcdBinary {
  readonly etcd: string;
  /** The command-line client, where there is one. */
  readonly etcdctl: string | undefined;
  /** As etcd says it, such as `3.4.23`. */
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
  /** Told what takes time, in lines for a person; silent when etcd is there already. */
  readonly onProgress?: (line: string) => void;
  readonly signal?: AbortSignal;
}

const cacheFolder = join(import.meta.dirname, '../../.cache/etcd');

/** The release after each: Debian 12 has etcd 3.4, Debian 13 has 3.5. */
const nextRelease: Readonly<Record<string, string>> = { bookworm: 'trixie' };

/** What a release may be called in a sources list beside its code name. */
const suiteAliases = ['stable', 'oldstable', 'oldoldstable'];

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

/** etcd's own word for its version, or undefined when this is not an etcd that runs here. */
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
  // All work happens in a folder of our own: two test workers may be here at once, and either may
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
  // What is there and does not run is a rest of something: out of the way with it.
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

/** apt, used to download and unpack packages into `work` and to change nothing else. */
class Apt {
  readonly #work: string;
  readonly #source: string;
  readonly #onProgress: (line: string) => void;
  readonly #signal: AbortSignal | undefined;
  /** Options that point apt at lists of our own; empty while the machine's are used. */
  #options: readonly string[] = [];

  constructor(
    work: string,
    source: string,
    onProgress: (line: string) => void,
    signal: AbortSignal | undefined,
  ) {
    this.#work = work;
    this.#source = source;
    this.#onProgress = onProgress;
    this.#signal = signal;
  }

  /** From now on packages come from release `codename`, on the mirror that serves release `current`. */
  async useRelease(current: string, codename: string): Promise<void> {
    const mirror = await this.#mirrorOf(current);
    const keyring = await debianKeyring();
    const sources = join(this.#work, 'sources.list');
    const signedBy = keyring ? `[signed-by=${keyring}] ` : '';
    // Only we may read it: the mirror's address can hold a password.
    await writeFile(sources, `deb ${signedBy}${mirror} ${codename} main\n`, { mode: 0o600 });
    await this.#useOwnLists([
      ...['-o', `Dir::Etc::sourcelist=${sources}`],
      ...['-o', 'Dir::Etc::sourceparts=/dev/null'],
    ]);
  }

  /** Downloads the packages and returns a folder with the programs in their /usr/bin. */
  async unpack(packages: readonly string[]): Promise<string> {
    const downloads = join(this.#work, 'packages');
    await mkdir(downloads);
    const download = async () => {
      this.#onProgress(`downloading etcd from ${this.#source} (about 15 MB) …`);
      await this.#apt(['download', ...packages], downloads);
    };
    if (this.#options.length > 0) {
      await download();
    } else {
      // The machine's own lists come first. It may have none (a fresh container), or old ones; then
      // some source that has nothing to do with etcd may fail, which matters only if etcd is missing.
      await download().catch(async () => {
        const failure = await this.#useOwnLists([]).catch((error: unknown) => error);
        await download().catch((error: unknown) => Promise.reject(failure ?? error));
      });
    }
    for (const name of await readdir(downloads)) {
      await this.#run('dpkg', ['-x', join(downloads, name), join(this.#work, 'root')]);
    }
    return join(this.#work, 'root/usr/bin');
  }

  async #useOwnLists(options: readonly string[]): Promise<void> {
    const state = join(this.#work, 'state');
    const cache = join(this.#work, 'cache');
    await mkdir(join(state, 'lists/partial'), { recursive: true });
    await mkdir(join(cache, 'archives/partial'), { recursive: true });
    this.#options = [
      ...options,
      // Each by its own name, because apt's configuration may name each in full.
      ...['-o', `Dir::State=${state}`, '-o', `Dir::State::lists=${join(state, 'lists')}`],
      ...['-o', `Dir::Cache=${cache}`, '-o', `Dir::Cache::archives=${join(cache, 'archives')}`],
    ];
    this.#onProgress(`reading the package lists of ${this.#source} (about 10 MB) …`);
    // Without the error mode a mirror that does not answer is a warning, and exit code 0.
    await this.#apt(['update', '-o', 'APT::Update::Error-Mode=any']);
  }

  /**
   * The address that serves release `current`, as apt itself is set up to use it. Asking apt reads
   * every format of its configuration, and works before any list was fetched.
   */
  async #mirrorOf(current: string): Promise<string> {
    const uris = await this.#apt(['--print-uris', 'update']);
    for (const suite of [current, ...suiteAliases]) {
      const match = new RegExp(`^'([^']+)/dists/${suite}/main/binary-`, 'm').exec(uris);
      if (match?.[1]) return match[1];
    }
    throw new Error(
      `apt has no source for ${current}, so the mirror of the next release is unknown: set ETCD_NEXT=/path/to/etcd.`,
    );
  }

  async #apt(args: readonly string[], cwd = this.#work): Promise<string> {
    // apt's own sandbox user cannot write into our folder; it would only warn about that.
    return await this.#run(
      'apt-get',
      [...this.#options, '-o', 'APT::Sandbox::User=root', ...args],
      cwd,
    );
  }

  async #run(command: string, args: readonly string[], cwd = this.#work): Promise<string> {
    const signal = this.#signal;
    try {
      const env = { ...process.env, LC_ALL: 'C' };
      return (await run(command, args, { cwd, env, ...(signal && { signal }), maxBuffer: 1 << 26 }))
        .stdout;
    } catch (error) {
      signal?.throwIfAborted();
      const { stderr = '' } = error as { stderr?: string };
      const last =
        stderr.trim().split('\n').at(-1)?.replace(/^E: /, '') || (error as Error).message;
      throw new Error(
        `The etcd of ${this.#source} could not be fetched (${command}: ${last}): check the network, or install etcd, or set ETCD=/path/to/etcd.`,
      );
    }
  }
}

/** Where Debian's keys are; undefined leaves the choice to apt, which still demands a signature. */
async function debianKeyring(): Promise<string | undefined> {
  for (const ending of ['gpg', 'pgp']) {
    const path = `/usr/share/keyrings/debian-archive-keyring.${ending}`;
    if (
      await access(path).then(
        () => true,
        () => false,
      )
    )
      return path;
  }
  return undefined;
}
