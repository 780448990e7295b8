/**
 * What `npm run build` makes: one file that runs where no package is installed. The folder it is
 * built into has none in reach, so that anything it still wanted to import would fail. It is made of
 * what the image's build stage has (Dockerfile), and of nothing beside that.
 */
import { execFile, spawnSync } from 'node:child_process';
import { cp, mkdtemp, readdir, readFile, rm, symlink } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import manifest from '../../package.json' with { type: 'json' };
import { etcdLb } from '../support/balancer.ts';
import { itBehaves } from './shipped.ts';

const exec = promisify(execFile);
const root = join(import.meta.dirname, '../..');

describe('the bundle', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'etcd-lb-bundle-'));
  const stage = await mkdtemp(join(tmpdir(), 'etcd-lb-build-'));
  const bundle = join(folder, 'etcd-lb.js');
  beforeAll(async () => {
    for (const each of ['package.json', 'package-lock.json', 'config', 'src']) {
      await cp(join(root, each), join(stage, each), { recursive: true });
    }
    await symlink(join(root, 'node_modules'), join(stage, 'node_modules'));
    await exec('sh', ['-c', `${manifest.scripts.build} ${bundle}`], { cwd: stage });
  });
  afterAll(() => Promise.all([folder, stage].map((each) => rm(each, { recursive: true }))));

  test('is one file that can be a command, with its papers beside it', async () => {
    const papers = ['NOTICE', 'etcd-lb.1', 'etcd-lb.cdx.json'];
    expect((await readdir(folder)).sort()).toEqual([...papers, 'etcd-lb.js']);
    expect(await readFile(bundle, 'utf8')).toMatch(/^#!\/usr\/bin\/env node\n/);
    expect(manifest.bin['etcd-lb']).toBe('dist/etcd-lb.js');
  });

  test('loads neither gRPC nor the whole of HTTP at the start', async () => {
    const code = await readFile(bundle, 'utf8');
    expect(code).not.toContain('DowngradeRequest'); // of etcd's protocol, which is there as compressed text
    expect(code).not.toMatch(/^import .*"node:https?"/m); // why: src/lib/net/node-http.ts
  });

  const old = olderNode();
  test.skipIf(old === undefined).for([['--version'], ['run'], ['status']])(
    'on an older Node %s says which one it needs, in one sentence',
    async (args) => {
      const program = { command: [old ?? '', bundle], cwd: folder };
      expect(await etcdLb(args, {}, [], program)).toEqual({
        ...{ code: 1, signal: null, stdout: '' },
        stderr: expect.stringMatching(
          /^etcd-lb: this is Node v\d+\.\d+\.\d+, and etcd-lb needs Node 24 or later; .*\.\n$/,
        ),
      });
      expect(manifest.engines.node).toBe('>=24');
    },
  );

  itBehaves({ command: [process.execPath, bundle], cwd: folder });
});

/** The machine's own Node, where that is too old; undefined where there is none such. */
function olderNode(): string | undefined {
  const folders = (process.env['PATH'] ?? '').split(delimiter);
  const nodes = folders
    .filter((each) => !each.includes('node_modules'))
    .map((each) => join(each, 'node'));
  return nodes.find((node) => {
    const { stdout } = spawnSync(node, ['--version'], { encoding: 'utf8' });
    return /^v(1\d|2[0-3])\./.test(stdout ?? '');
  });
}
