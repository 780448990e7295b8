/**
 * apt, used to download and unpack packages into a folder and to change nothing else: no root, and
 * the machine's own lists and caches stay as they are.
 */
import { execFile } from 'node:child_process';
import { access, mkdir, readdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';

const run = promisify(execFile);

/** What a release may be called in a sources list beside its code name. */
const suiteAliases = ['stable', 'oldstable', 'oldoldstable'];

/** apt, used to download and unpack packages into `work` and to change nothing else. */
export class Apt {
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
