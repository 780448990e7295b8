/**
 * buildah and podman with a storage of their own in one folder, so that nothing of the machine is used or left. Owns
 * how they are told what a sandbox needs: runc, since crun refuses some machines' control groups, and the limits of
 * this process, which not every root may raise.
 */
import { execFile } from 'node:child_process';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { promisify } from 'node:util';

const run = promisify(execFile);

/** What an image says about itself. */
export interface ImageConfig {
  readonly User: string;
  readonly StopSignal: string;
  readonly Labels: Readonly<Record<string, string>>;
}

export class Engine implements AsyncDisposable {
  readonly #folder: string;
  readonly #runc: string;
  readonly #storage: readonly string[];

  /** @param runc path of the program that runs containers. */
  constructor(folder: string, runc: string) {
    this.#folder = folder;
    this.#runc = runc;
    this.#storage = ['--root', join(folder, 'storage'), '--runroot', join(folder, 'run')];
  }

  /** Makes an image of the root file system in `archive`. */
  async import(archive: string, name: string): Promise<void> {
    const path = 'PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin';
    await this.#podman('import', '--change', `ENV ${path}`, archive, name);
  }

  /** Builds the Dockerfile of `context`; npm gets its packages from where this machine's npm does. */
  async build(
    context: string,
    name: string,
    args: Readonly<Record<string, string>>,
  ): Promise<void> {
    const { stdout: registry } = await run('npm', ['config', 'get', 'registry']);
    const authorities = process.env['NODE_EXTRA_CA_CERTS'];
    const npmrc = join(this.#folder, 'npmrc');
    const lines = [`registry=${registry.trim()}`, ...(authorities ? ['cafile=/ca.crt'] : [])];
    await writeFile(npmrc, lines.join('\n'));
    await run('buildah', [
      ...this.#storage,
      ...['bud', '--runtime', this.#runc, '--network', 'host', ...(await limits())],
      // The other format, OCI's own, has no health check.
      ...['--format', 'docker', '--tag', name],
      ...['--volume', `${npmrc}:/root/.npmrc:ro`],
      ...(authorities ? ['--volume', `${authorities}:/ca.crt:ro`] : []),
      ...Object.entries(args).flatMap(([key, value]) => ['--build-arg', `${key}=${value}`]),
      context,
    ]);
  }

  async configOf(image: string): Promise<ImageConfig> {
    const text = await this.#podman('inspect', '--format', '{{json .Config}}', image);
    return JSON.parse(text) as ImageConfig;
  }

  /** What another program in the image prints. */
  async once(
    image: string,
    entrypoint: readonly string[],
    args: readonly string[],
  ): Promise<string> {
    const entry = ['--entrypoint', JSON.stringify(entrypoint)];
    return await this.#podman('run', '--rm', ...(await sealed()), ...entry, image, ...args);
  }

  /** A container with no right and no place to write, on this machine's network. */
  async start(image: string, args: readonly string[]): Promise<Container> {
    const id = await this.#podman('run', '--detach', ...(await sealed()), image, ...args);
    return new Container(id, (...words) => this.#podman(...words));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#podman('rm', '--all', '--force', '--time', '0');
    // Unmounts what may still be mounted in there.
    await this.#podman('rmi', '--all', '--force');
  }

  async #podman(...args: readonly string[]): Promise<string> {
    const all = [...this.#storage, '--runtime', this.#runc, ...args];
    return (await run('podman', all)).stdout.trimEnd();
  }
}

export class Container implements AsyncDisposable {
  readonly #id: string;
  readonly #podman: (...args: readonly string[]) => Promise<string>;

  constructor(id: string, podman: (...args: readonly string[]) => Promise<string>) {
    this.#id = id;
    this.#podman = podman;
  }

  /** Resolves when its log has this text. Throws with the log when it has not within 20 s. */
  async logged(text: string): Promise<void> {
    const deadline = Date.now() + 20_000;
    for (;;) {
      const log = await this.#podman('logs', this.#id);
      if (log.includes(text)) return;
      if (Date.now() > deadline) throw new Error(`The container never logged ${text}:\n${log}`);
      await delay(100); // podman's way to follow a log does not end with it
    }
  }

  exec(...command: readonly string[]): Promise<string> {
    return this.#podman('exec', this.#id, ...command);
  }

  /** The exit code of the health check of its image. */
  async health(): Promise<number> {
    const check = this.#podman('healthcheck', 'run', this.#id);
    return await check.then(
      () => 0,
      (error: { code: number }) => error.code,
    );
  }

  async signal(name: string): Promise<void> {
    await this.#podman('kill', '--signal', name, this.#id);
  }

  /** Stops it as `docker stop` does and resolves with its exit code. */
  async stop(): Promise<number> {
    await this.#podman('stop', '--time', '20', this.#id);
    return Number(await this.#podman('inspect', '--format', '{{.State.ExitCode}}', this.#id));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#podman('rm', '--force', '--time', '0', this.#id);
  }
}

/** The flags of a container that may do nothing but what it needs. */
async function sealed(): Promise<string[]> {
  return [
    ...['--read-only', '--read-only-tmpfs=false', '--cap-drop', 'all'],
    ...['--security-opt', 'no-new-privileges', '--network', 'host', ...(await limits())],
  ];
}

/** Those of this process: without, the engine would raise them. */
async function limits(): Promise<string[]> {
  const { stdout } = await run('sh', ['-c', 'ulimit -Sn; ulimit -Hn']);
  const [soft, hard] = stdout.trim().split('\n');
  return ['--ulimit', `nofile=${soft}:${hard}`, '--ulimit', 'nproc=1024:1024'];
}
