/**
 * What `npm run build:binary` makes: one executable that runs where there is no Node. It gets an empty PATH and an empty
 * folder to run in, so that neither a `node` nor a package could be found.
 */
import { execFile } from 'node:child_process';
import { mkdir, mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import manifest from '../../package.json' with { type: 'json' };
import { etcdLb } from '../support/balancer.ts';
import { itBehaves } from './shipped.ts';

const exec = promisify(execFile);
const root = join(import.meta.dirname, '../..');

describe('the executable', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'etcd-lb-binary-'));
  const binary = join(folder, 'etcd-lb');
  const cwd = join(folder, 'empty');
  beforeAll(async () => {
    await mkdir(cwd);
    await exec('sh', ['-c', `${manifest.scripts['build:binary']} ${binary}`], { cwd: root });
  }, 120_000);
  afterAll(() => rm(folder, { recursive: true }));

  test('is one file', async () => {
    expect(await readdir(folder)).toEqual(['empty', 'etcd-lb']);
  });

  test('knows where it is, called by its name alone', async () => {
    const program = { command: ['etcd-lb'], cwd, env: { PATH: folder } };
    const flags = ['--dry-run', '--root', '/nowhere', '--as', 'systemd'];
    const args = ['init', ...flags, '--endpoints', '127.0.0.1:1'];
    const { stdout } = await etcdLb(args, {}, [], program);
    expect(stdout).toContain(`install -m 755 ${binary} /usr/local/bin/etcd-lb\n`);
  });

  itBehaves({ command: [binary], cwd, env: { PATH: '' } });
});
