/**
 * A copy of this machine's files in which packages are installed and removed, while the machine keeps its own:
 *
 *   this machine's /  ──┐
 *                       ├──► overlay, seen by those who enter its mount namespace only
 *   memory, for changes ┘
 *
 * Processes, users and the network are the machine's. It goes when the process that holds the namespace does. Needs root.
 */
import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { lstat, mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';

const exec = promisify(execFile);

const script = `set -e
mount -t tmpfs none "$1"
mkdir "$1/changes" "$1/work" "$1/root"
mount -t overlay none -o "lowerdir=/,upperdir=$1/changes,workdir=$1/work" "$1/root"
for each in proc dev; do mount --rbind /$each "$1/root/$each"; done
mount --bind "$2" "$1/root/mnt"
echo ready
exec cat`;

const ofOthers = /^\/(var\/(lib\/dpkg|log|cache)\/.*|etc\/g?(passwd|group|shadow)-)$/;

export class MachineCopy implements AsyncDisposable {
  readonly #folder: string;
  readonly #holder: ReturnType<typeof spawn>;

  private constructor(folder: string, holder: ReturnType<typeof spawn>) {
    this.#folder = folder;
    this.#holder = holder;
  }

  /** @param shared a folder that is /mnt there. */
  static async make(shared: string): Promise<MachineCopy> {
    const folder = await mkdtemp(join(tmpdir(), 'etcd-lb-machine-'));
    const holder = spawn('unshare', ['--mount', 'sh', '-c', script, 'sh', folder, shared], {
      stdio: ['pipe', 'pipe', 'inherit'],
    });
    const copy = new MachineCopy(folder, holder);
    const [word] = await Promise.race([once(holder.stdout, 'data'), once(holder, 'exit')]);
    if (String(word) === 'ready\n') return copy;
    await copy[Symbol.asyncDispose]();
    throw new Error('No copy of this machine could be made: run this test as root.');
  }

  /** What stands in front of a command that is to run there. @param user whom it runs as; root if not given. */
  prefix(user = 'root'): string[] {
    const enter = ['nsenter', `--mount=/proc/${this.#holder.pid}/ns/mnt`];
    return [...enter, 'chroot', `--userspec=${user}:`, join(this.#folder, 'root')];
  }

  /** What a shell prints there. Rejects when it fails. */
  async sh(command: string): Promise<string> {
    const [program = '', ...rest] = [...this.prefix(), 'sh', '-c', command];
    return (await exec(program, rest)).stdout;
  }

  /** Paths that are not as on the machine itself, but for what dpkg notes, and copies of lists of users. */
  async changes(): Promise<string[]> {
    const upper = join(`/proc/${this.#holder.pid}/root`, this.#folder, 'changes');
    const paths = (await readdir(upper, { recursive: true })).map((path) => `/${path}`);
    const found: string[] = [];
    for (const path of paths.filter((each) => !ofOthers.test(each))) {
      if (!(await isSame(join(upper, path), path))) found.push(path);
    }
    return found.sort();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const exited = once(this.#holder, 'exit');
    if (this.#holder.exitCode === null) {
      this.#holder.stdin?.end();
      await exited;
    }
    await rm(this.#folder, { recursive: true });
  }
}

/** Folders are the same where both are; what overlay removed is a device that no file equals. */
async function isSame(changed: string, own: string): Promise<boolean> {
  const [one, other] = await Promise.all([changed, own].map((path) => lstat(path).catch(() => {})));
  if (one?.isDirectory() || other?.isDirectory()) return one?.mode === other?.mode;
  if (!one?.isFile() || !other?.isFile()) return false;
  const [content, own_] = await Promise.all([readFile(changed), readFile(own)]);
  return content.equals(own_);
}
