/**
 * Uses apt to download and unpack packages into a folder, and changes nothing else: it needs no root, and
 * the machine's own lists and caches stay as they are.
 */
import { execFile } from 'node:child_process';
import { access, mkdir, readdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';

const run = promisify(execFile);

/** Names of a release in a sources list besides its code name. */
const suiteAliases = ['stable', 'oldstable', 'oldoldstable'];

/** Downloads and unpacks packages into `work`, and changes nothing else. */
export class Apt {
  readonly #work: string;
  readonly #source: string;
  readonly #onProgress: (line: string) => void;
  readonly #signal: AbortSignal | undefined;
  /** Options that point apt at private lists; empty while the machine's lists are used. */
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

  /** Takes packages from release `codename` from now on, on the mirror that serves release `current`. */
  async useRelease(current: string, codename: string): Promise<void> {
    const mirror = await this.#mirrorOf(current);
    const keyring = await debianKeyring();
    const sources = join(this.#work, 'sources.list');
    const signedBy = keyring ? `[signed-by=${keyring}] ` : '';
    // Only this user may read it: the mirror's address can contain a password.
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
      // The machine's own lists come first. They may be missing (a fresh container) or old. A source
      // unrelated to etcd may fail in the update, which matters only if etcd is missing.
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
      // Each is set by its full name, because apt's configuration may set each in full.
      ...['-o', `Dir::State=${state}`, '-o', `Dir::State::lists=${join(state, 'lists')}`],
      ...['-o', `Dir::Cache=${cache}`, '-o', `Dir::Cache::archives=${join(cache, 'archives')}`],
    ];
    this.#onProgress(`reading the package lists of ${this.#source} (about 10 MB) …`);
    // Without the error mode a mirror that does not answer is a warning, and exit code 0.
    await this.#apt(['update', '-o', 'APT::Update::Error-Mode=any']);
  }

  /**
   * The address that serves release `current` in apt's own configuration. Asking apt covers every
   * format of its configuration, and works before any list was fetched.
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
    // apt's sandbox user cannot write into this folder, and apt would only warn about that.
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

/** The path of Debian's keys; undefined leaves the choice to apt, which still requires a signature. */
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
