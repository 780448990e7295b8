/**
 * The commands of the pages for operators, carried out as they stand there, in front of a real cluster with mutual TLS.
 *
 * Their addresses and folders are replaced by those of the test, and nothing else. A command must succeed, and print what
 * the page says behind it (test/support/command-blocks.ts). `etcd-lb run` goes on until the next one.
 */
import { type ChildProcessByStdio, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { chmod, copyFile, mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Readable } from 'node:stream';
import { text } from 'node:stream/consumers';
import { stripVTControlCharacters } from 'node:util';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { findEtcd } from '../../src/demo/etcd-binary.ts';
import { freePorts } from '../../src/demo/free-ports.ts';
import { type LocalCluster, startLocalCluster } from '../../src/demo/local-cluster.ts';
import { createCertificates } from '../support/certificates.ts';
import { blocksIn, type CommandLine, commandsIn, expectLike } from '../support/command-blocks.ts';
import { retried } from '../support/joining-member.ts';

const root = join(import.meta.dirname, '../..');
const paths = [
  'README.md',
  ...['deployment', 'operations', 'cli'].map((name) => `docs/${name}.md`),
];
const pages = paths.map((path) => {
  const content = readFileSync(join(root, path), 'utf8');
  return { path, content, blocks: blocksIn(content) };
});

describe.each(pages)('$path', ({ content, blocks }) => {
  test('has its commands in blocks of sh, and a reason before each that is not carried out', () => {
    const languages = [...content.matchAll(/^```(\w+)$/gm)].map(([, language]) => language);
    expect(languages.filter((each) => each !== 'sh' && each !== 'yaml')).toEqual([]);
    const reasons = content.match(/<!-- not carried out/g) ?? [];
    expect(reasons.length).toBe(blocks.filter(({ reason }) => reason !== undefined).length);
    const most = blocks.length / 2;
    expect(reasons.length, 'most are carried out').toBeLessThan(most);
  });
});

test('a reason that says nothing does not count', () => {
  const reasons = ['<!-- not carried out: -->', '<!-- not carried out:  -->', '<!-- later -->', ''];
  for (const line of reasons) {
    expect(blocksIn(`${line}\n\`\`\`sh\nls\n\`\`\``)).toEqual([
      { line: 3, lines: ['ls'], reason: undefined },
    ]);
  }
});

/** A control-plane node: its files are under a folder, its commands in `bin`. */
class Node implements AsyncDisposable {
  readonly #parts = new AsyncDisposableStack();
  readonly #folder: string;
  readonly #cluster: LocalCluster;
  readonly #ports: readonly number[];
  #balancer: ChildProcessByStdio<null, Readable, Readable> | undefined;

  static async create(): Promise<Node> {
    const etcd = await findEtcd();
    const certificates = await createCertificates();
    const tls = {
      ...{ ca: certificates.ca },
      ...{ serverCert: certificates.server.cert, serverKey: certificates.server.key },
    };
    const cluster = await startLocalCluster({ etcd, size: 3, tls });
    const folder = await mkdtemp(join(tmpdir(), 'etcd-lb-node-'));
    const pki = join(folder, 'etc/kubernetes/pki');
    const folders = ['etc/kubernetes/pki/etcd', 'run/etcd-lb', 'bin'];
    for (const each of folders) await mkdir(join(folder, each), { recursive: true });
    await copyFile(certificates.ca, `${pki}/etcd/ca.crt`);
    await copyFile(certificates.client.cert, `${pki}/apiserver-etcd-client.crt`);
    await copyFile(certificates.client.key, `${pki}/apiserver-etcd-client.key`);
    await symlink(etcd.etcdctl ?? '', join(folder, 'bin/etcdctl'));
    const program = join(folder, 'bin/etcd-lb');
    await writeFile(program, `#!/bin/sh\nexec ${process.execPath} ${root}/src/cli/main.ts "$@"\n`);
    await chmod(program, 0o755);
    const node = new Node(folder, cluster, await freePorts(2));
    node.#parts.use(certificates);
    node.#parts.use(cluster);
    node.#parts.defer(() => rm(folder, { recursive: true }));
    node.#parts.defer(() => node.#stop());
    return node;
  }

  private constructor(folder: string, cluster: LocalCluster, ports: readonly number[]) {
    this.#folder = folder;
    this.#cluster = cluster;
    this.#ports = ports;
  }

  /** Rejects when it does not do what the page says. */
  async carryOut({ command, isRepeated, expected }: CommandLine): Promise<void> {
    if (/^etcd-lb run\b/.test(command)) return await this.#run(command);
    const attempt = async (): Promise<void> => {
      const child = this.#spawn(command);
      const [stdout, stderr] = await Promise.all([text(child.stdout), text(child.stderr)]);
      const [code] = child.exitCode === null ? await once(child, 'close') : [child.exitCode];
      const output = stripVTControlCharacters(stdout + stderr);
      // The certificates of a test last for a day, which is worth a warning.
      const isFine = code === 0 || (code === 1 && command.startsWith('etcd-lb check'));
      if (!isFine) throw new Error(`${command} ended with ${code}: ${output}`);
      expectLike(output, expected);
    };
    await (isRepeated ? retried(attempt) : attempt());
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#parts.disposeAsync();
  }

  /** Resolves when a member is healthy. */
  async #run(command: string): Promise<void> {
    await this.#stop();
    this.#balancer = this.#spawn(`exec ${command}`);
    const { stdout, stderr } = this.#balancer;
    const ended = Promise.all([text(stdout), text(stderr)]).then((said) => {
      throw new Error(`${command} ended: ${said.join('')}`);
    });
    const ready = retried(async () => {
      const { status } = await fetch(this.#here('http://127.0.0.1:9379/readyz'));
      if (status !== 200) throw new Error(`not ready: ${status}`);
    });
    ended.catch(() => {}); // later it is stopped
    await Promise.race([ready, ended]);
  }

  async #stop(): Promise<void> {
    const balancer = this.#balancer;
    this.#balancer = undefined;
    if (balancer === undefined || balancer.exitCode !== null) return;
    balancer.kill();
    await once(balancer, 'close');
  }

  #spawn(command: string): ChildProcessByStdio<null, Readable, Readable> {
    const { PATH } = process.env;
    return spawn('sh', ['-c', this.#here(command)], {
      cwd: this.#folder,
      stdio: ['ignore', 'pipe', 'pipe'],
      env: {
        ...process.env,
        PATH: `${this.#folder}/bin:${PATH}`,
        ETCDCTL_API: '3',
        ETCD_LB_ADMIN_SOCKET: join(this.#folder, 'run/etcd-lb/admin.sock'),
        // The page counts on the default.
        ETCD_LB_OBSERVE: this.#here('127.0.0.1:9379'),
      },
    });
  }

  /** With the addresses and folders of this test. */
  #here(command: string): string {
    const [listen, observe] = this.#ports;
    return command
      .replaceAll(/10\.0\.0\.(\d):2379/g, (_, number) => {
        const port = this.#cluster.members[Number(number) - 1]?.clientPort;
        return `127.0.0.1:${port}`;
      })
      .replaceAll('127.0.0.1:12379', `127.0.0.1:${listen}`)
      .replaceAll('127.0.0.1:9379', `127.0.0.1:${observe}`)
      .replaceAll(/(?<![\w.-])\/(etc|run|var)\//g, `${this.#folder}/$1/`);
  }
}

describe('carried out', () => {
  let node: Node;
  beforeAll(async () => {
    node = await Node.create();
  });
  afterAll(() => node[Symbol.asyncDispose]());

  const blocks = pages.flatMap(({ path, blocks }) =>
    blocks
      .filter(({ reason }) => reason === undefined)
      .map(({ line, lines }) => ({ at: `${path}:${line}`, lines })),
  );
  test.each(blocks)('$at', async ({ lines }) => {
    for (const command of commandsIn(lines)) await node.carryOut(command);
  });
});
