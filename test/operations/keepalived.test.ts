/** config/keepalived: what the check says of real balancers, and what keepalived says of the configuration. */
import { execFile } from 'node:child_process';
import {
  chmod,
  copyFile,
  mkdir,
  mkdtemp,
  readFile,
  rm,
  symlink,
  writeFile,
} from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, describe, expect, test } from 'vitest';
import { freePorts } from '../../src/demo/free-ports.ts';
import { EchoMember, flagsOf } from '../cli/echo-member.ts';
import {
  ensureNamespaces,
  findCurl,
  findKeepalived,
  findShellcheck,
  findWget,
  type Program,
} from '../machine/programs.ts';
import { Balancer } from '../support/balancer.ts';

const exec = promisify(execFile);
const config = join(import.meta.dirname, '../../config/keepalived');
const check = join(config, 'check-etcd-lb.sh');

const parts = new AsyncDisposableStack();
afterAll(() => parts.disposeAsync());
const folder = await mkdtemp(join(tmpdir(), 'etcd-lb-keepalived-'));
parts.defer(() => rm(folder, { recursive: true }));
const [closed = 0] = await freePorts(1);

interface Verdict {
  readonly code: number;
  readonly says: string;
}

describe.each([
  { tool: 'curl', find: findCurl },
  { tool: 'wget', find: findWget },
])('the check, with $tool', ({ tool, find }) => {
  const ask = async (address: string): Promise<Verdict> => run(tool, await find(), address);

  test('passes a balancer that is ready', async () => {
    await using member = await EchoMember.start();
    await using balancer = await Balancer.start(member.flags);
    await balancer.healthy([member.name]);
    expect(await ask(observeOf(balancer))).toEqual({ code: 0, says: 'etcd-lb is ready\n' });
  });

  test('fails one with no healthy member, and says why', async () => {
    await using balancer = await Balancer.start(flagsOf({ client: closed, health: closed }));
    await balancer.logged(({ event, to }) => event === 'mode-changed' && to === 'panic');
    expect(await ask(observeOf(balancer))).toEqual({
      code: 1,
      says: 'etcd-lb is not ready: no member is healthy\n',
    });
  });

  test('tells one that is gone', async () => {
    const address = `127.0.0.1:${closed}`;
    const says = `nobody answers at http://${address}/readyz\n`;
    expect(await ask(address)).toEqual({ code: 2, says });
  });

  test('does not wait for one that hangs', async () => {
    await using balancer = await Balancer.start(flagsOf({ client: closed, health: closed }));
    const address = observeOf(balancer);
    balancer.signal('SIGSTOP');
    const verdict = await ask(address);
    balancer.signal('SIGCONT');
    expect(verdict).toEqual({ code: 2, says: `nobody answers at http://${address}/readyz\n` });
  });
});

test('without curl and wget the check says so', async () => {
  expect(await run('neither', undefined, '127.0.0.1:1')).toEqual({
    code: 3,
    says: 'neither curl nor wget is here to ask etcd-lb with\n',
  });
});

test('shellcheck finds nothing in the check', async () => {
  const { path, env } = await findShellcheck();
  const { stdout } = await exec(path, ['--shell=sh', check], { env: { ...process.env, ...env } });
  expect(stdout).toBe('');
});

test('keepalived accepts the configuration', async () => {
  const { path, env } = await findKeepalived();
  await copyFile(check, join(folder, 'check-etcd-lb.sh'));
  await chmod(join(folder, 'check-etcd-lb.sh'), 0o755);
  const text = await readFile(join(config, 'keepalived.conf'), 'utf8');
  const here = text
    .replace('/usr/local/lib/etcd-lb/', `${folder}/`)
    // Of another user its test alone, not its run, ends by a signal of its own (2.2.7).
    .replace('script_user nobody nogroup', 'script_user root');
  expect(here).toMatch(/script_user root/);
  const file = join(folder, 'keepalived.conf');
  await writeFile(file, here);
  const all = { env: { ...process.env, ...env } };
  // It wants the interface to be there: in a namespace with one of that name.
  await ensureNamespaces(console.log);
  const { stdout, stderr } = await exec(
    'unshare',
    [
      ...['--net', 'sh', '-c', 'ip link add eth0 type veth peer name other && exec "$@"', 'sh'],
      ...[path, '--config-test', '--use-file', file],
    ],
    all,
  );
  expect({ stdout, stderr }).toEqual({ stdout: '', stderr: '' });
});

function observeOf(balancer: Balancer): string {
  return balancer.observeUrl.replace('http://', '');
}

/** Runs the check where PATH has what every system has, and of the two tools only this. */
async function run(name: string, tool: Program | undefined, address: string): Promise<Verdict> {
  const bin = join(folder, name);
  await mkdir(bin, { recursive: true });
  const links = ['tail', 'head', 'sed'].map((each) => [each, `/usr/bin/${each}`] as const);
  for (const [link, target] of [...links, ...(tool ? [[name, tool.path] as const] : [])]) {
    await symlink(target, join(bin, link)).catch((error: NodeJS.ErrnoException) => {
      if (error.code !== 'EEXIST') throw error;
    });
  }
  const env = { ...tool?.env, PATH: bin };
  return await exec('/bin/sh', [check, address], { env }).then(
    ({ stdout }) => ({ code: 0, says: stdout }),
    ({ code, stdout }: { code: number; stdout: string }) => ({ code, says: stdout }),
  );
}
