/**
 * What `npm run build` makes: one file that runs where no package is installed. The folder it is
 * built into has none in reach, so that anything it still wanted to import would fail.
 */
import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { createInterface } from 'node:readline';
import { promisify } from 'node:util';
import { afterAll, describe, expect, test } from 'vitest';
import manifest from '../../package.json' with { type: 'json' };
import type { LogLine } from '../support/balancer.ts';
import { ask, connect } from './client.ts';
import { EchoMember } from './echo-member.ts';

const exec = promisify(execFile);
const root = join(import.meta.dirname, '../..');

const parts = new AsyncDisposableStack();
afterAll(() => parts.disposeAsync());
const folder = await mkdtemp(join(tmpdir(), 'etcd-lb-bundle-'));
parts.defer(() => rm(folder, { recursive: true }));
const bundle = join(folder, 'etcd-lb.js');
await build();
const member = parts.use(await EchoMember.start());

describe('the bundle', () => {
  test('is one file that can be a command', async () => {
    expect(await readdir(folder)).toEqual(['etcd-lb.js']);
    expect(await readFile(bundle, 'utf8')).toMatch(/^#!\/usr\/bin\/env node\n/);
    expect(manifest.bin['etcd-lb']).toBe('dist/etcd-lb.js');
  });

  test('prints its version', async () => {
    const { stdout, stderr } = await exec(process.execPath, [bundle, '--version']);
    expect({ stdout, stderr }).toEqual({ stdout: `${manifest.version}\n`, stderr: '' });
  });

  test('has its own settings and refuses bad ones', async () => {
    const { stdout } = await exec(process.execPath, [bundle, 'config', ...member.flags]);
    expect(stdout).toMatch(/^listen: "127\.0\.0\.1:2379" +# default\n/);
    const refused = await exec(process.execPath, [bundle, 'run', '--endpoints', '']).catch(
      (error: unknown) => error,
    );
    expect(refused).toMatchObject({
      code: 2,
      stderr: expect.stringMatching(/^etcd-lb: --endpoints: .*\n$/),
    });
  });

  test('relays, observes, and ends as it should', async () => {
    const { process: child, lines } = start([]);
    const exited = once(child, 'close');
    const [first] = (await once(lines, 'line')) as [string];
    const { event, listen, observePort, version } = JSON.parse(first) as LogLine;
    expect({ event, version }).toEqual({ event: 'started', version: manifest.version });
    const socket = await connect(listen?.[0] ?? '');
    expect(await ask(socket, 'through the bundle')).toBe('through the bundle');
    const url = `http://127.0.0.1:${observePort}`;
    expect(await (await fetch(`${url}/status`)).json()).toMatchObject({ copier: 'shared-buffer' });
    expect(await (await fetch(`${url}/metrics`)).text()).toContain('\netcd_lb_sessions{');
    socket.end();
    child.kill('SIGTERM');
    expect(await exited).toEqual([0, null]);
  });

  test('has the readable log too', async () => {
    const { process: child, lines } = start(['--log-format', 'pretty']);
    const exited = once(child, 'close');
    const [first] = (await once(lines, 'line')) as [string];
    expect(first).toMatch(/INFO.*etcd-lb .* listens on 127\.0\.0\.1:\d+ in front of /);
    child.kill('SIGTERM');
    expect(await exited).toEqual([0, null]);
  });
});

/** The build script, to a file of ours. */
async function build(): Promise<void> {
  const target = 'dist/etcd-lb.js';
  expect(manifest.scripts.build).toContain(` ${target} `);
  const command = manifest.scripts.build.replace(target, bundle);
  const { PATH: path = '', ...env } = process.env;
  const withTools = [join(root, 'node_modules/.bin'), path].join(delimiter); // as npm does it
  await exec('sh', ['-c', command], { cwd: root, env: { ...env, PATH: withTools } });
}

function start(flags: readonly string[]) {
  const args = ['--listen', '127.0.0.1:0', '--observe', '127.0.0.1:0', ...member.flags, ...flags];
  const child: ChildProcess = spawn(process.execPath, [bundle, 'run', ...args], {
    cwd: folder,
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  parts.defer(() => void child.kill('SIGKILL'));
  if (child.stdout === null) throw new Error('no pipe');
  return { process: child, lines: createInterface({ input: child.stdout }) };
}
