/**
 * `npm run release`: the folder has what people install, its checksums hold, and the same sources give the same
 * bytes. All is built twice here around a small executable, as compressing the real one takes long; that it is the same
 * each time is shown by deb.test.ts. The npm package is installed and used.
 */
import { execFile } from 'node:child_process';
import { chmod, mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import manifest from '../../package.json' with { type: 'json' };
import { differences, release } from '../../src/build/release.ts';
import { sourceDate } from '../../src/build/source-date.ts';
import { findEtcd } from '../../src/demo/etcd-binary.ts';
import { startLocalCluster } from '../../src/demo/local-cluster.ts';
import { etcdLb, type Program } from '../support/balancer.ts';

const exec = promisify(execFile);
const title = `etcd-lb-${manifest.version}`;

let work: string;
let folders: string[];
beforeAll(async () => {
  vi.stubEnv('SOURCE_DATE_EPOCH', String(Date.UTC(2026, 0, 1) / 1000));
  work = await mkdtemp(join(tmpdir(), 'etcd-lb-release-'));
  const executable = join(work, 'small');
  await writeFile(executable, '#!/bin/sh\necho "completion for $2"\n');
  await chmod(executable, 0o755);
  folders = [join(work, 'first'), join(work, 'second')];
  const [first = '', second = ''] = folders;
  await release(first, executable);
  const umask = process.umask(0o077); // of somebody else
  await release(second, executable);
  process.umask(umask);
});
afterAll(() => rm(work, { recursive: true }));

describe('the folder', () => {
  test('has what people install, and nothing else', async () => {
    const kinds = (await readdir(folders[0] ?? '')).map((name) =>
      name.replace(/(amd64|arm64)/, 'ARCH').replace(/linux-(x64|arm64)/, 'PLATFORM'),
    );
    expect(kinds.sort()).toEqual([
      ...['NOTICE', 'SHA256SUMS'],
      ...[`${title}-PLATFORM.tar.gz`, `${title}-kubernetes.tar.gz`, `${title}.tgz`],
      ...['etcd-lb.cdx.json', `etcd-lb_${manifest.version}_ARCH.deb`],
    ]);
  });

  test('has checksums as sha256sum reads them', async () => {
    const { stdout } = await exec('sha256sum', ['--check', 'SHA256SUMS'], { cwd: folders[0] });
    expect(stdout.match(/: OK$/gm)).toHaveLength(6);
  });

  test('has the same content when it is built again', async () => {
    expect(await differences(folders)).toEqual([]);
    const sums = join(folders[1] ?? '', 'SHA256SUMS');
    await writeFile(sums, (await readFile(sums, 'utf8')).replace(/^\w+ {2}NOTICE/m, '0  NOTICE'));
    expect(await differences(folders)).toEqual([expect.stringMatching(/ {2}NOTICE$/)]);
  });

  test('dates what it packs to the commit, or as it is told', async () => {
    const flags = ['--utc', '-tvzf', `${title}-kubernetes.tar.gz`];
    const { stdout } = await exec('tar', flags, { cwd: folders[0] });
    expect(stdout.trim().split('\n')).toEqual(
      stdout.match(/^\S+ 0\/0 +\d+ 2026-01-01 00:00 .*$/gm), // every line
    );
    const { stdout: seconds } = await exec('git', ['log', '-1', '--format=%ct']);
    vi.stubEnv('SOURCE_DATE_EPOCH', undefined);
    expect(sourceDate()).toBe(Number(seconds));
    vi.stubEnv('SOURCE_DATE_EPOCH', 'today');
    expect(sourceDate).toThrow('SOURCE_DATE_EPOCH is today: give it in seconds since 1970.');
  });

  test('has the manifests, the licences and the executable in its archives', async () => {
    const listed = async (name: string) =>
      (await exec('tar', ['-tzf', name], { cwd: folders[0] })).stdout.split('\n');
    expect(await listed(`${title}-kubernetes.tar.gz`)).toContain(
      `${title}/kubernetes/monitoring/pod-monitor.yaml`,
    );
    const platform = `${title}-${process.platform}-${process.arch}.tar.gz`;
    expect(await listed(platform)).toEqual(
      expect.arrayContaining(
        ['etcd-lb', 'etcd-lb.1', 'LICENSE', 'NOTICE'].map((name) => `${title}/${name}`),
      ),
    );
  });
});

describe('the npm package, installed where no registry is in reach,', () => {
  let prefix: string;
  let inside: string;
  let program: Program;
  beforeAll(async () => {
    prefix = join(work, 'prefix');
    inside = join(prefix, 'lib/node_modules/etcd-lb');
    const flags = ['--global', '--offline', '--prefix', prefix, '--cache', join(work, 'cache')];
    await exec('npm', ['install', ...flags, join(folders[0] ?? '', `${title}.tgz`)]);
    program = { command: [join(prefix, 'bin/etcd-lb')], cwd: work };
  });

  test('depends on no other and runs no script, and says whose it is and what it needs', async () => {
    const shipped = JSON.parse(await readFile(join(inside, 'package.json'), 'utf8'));
    const dependencies = Object.keys(shipped).filter((key) => /ependencies$/.test(key));
    expect(dependencies).toEqual(['devDependencies']);
    const scripts = Object.keys(manifest.scripts);
    expect(scripts.filter((name) => /^(pre|post)?(un)?install$|^prepare$/.test(name))).toEqual([]);
    expect(shipped).toMatchObject({
      license: 'Apache-2.0',
      engines: { node: '>=24' },
      homepage: 'https://github.com/etcd-lb/etcd-lb#readme',
      repository: { type: 'git', url: 'git+https://github.com/etcd-lb/etcd-lb.git' },
      bugs: { url: 'https://github.com/etcd-lb/etcd-lb/issues' },
    });
    await expect(stat(join(inside, 'node_modules'))).rejects.toThrow('ENOENT');
  });

  test.each([
    ...['README.md', 'LICENSE', 'CHANGELOG.md', 'dist/NOTICE', 'dist/etcd-lb.cdx.json'],
    ...['docs/deployment.md', 'config/etcd-lb.example.yaml', 'config/systemd/etcd-lb.service'],
  ])('has %s', async (file) => {
    expect((await stat(join(inside, file))).size).toBeGreaterThan(200);
  });

  test('brings its manual page to where man finds it', async () => {
    const page = await readFile(join(prefix, 'share/man/man1/etcd-lb.1'), 'utf8');
    expect(page).toContain(`"etcd-lb ${manifest.version}"`);
  });

  test('is a command that works', async () => {
    const version = await etcdLb(['--version'], {}, [], program);
    expect(version).toMatchObject({ code: 0, stdout: `${manifest.version}\n`, stderr: '' });
    await using cluster = await startLocalCluster({ etcd: await findEtcd(), size: 1 });
    const flags = ['--endpoints', `m0=${cluster.endpoints[0]}`];
    const check = await etcdLb(['check', ...flags], {}, [], program);
    expect(check.stderr).toBe('');
    expect(check.stdout).toMatch(/a single member/);
  });
});
