/** The units of config/systemd, as systemd's own tools and our own program read them. */
import { execFile } from 'node:child_process';
import { chmod, copyFile, cp, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, describe, expect, test } from 'vitest';
import { findSystemdAnalyze } from '../machine/programs.ts';
import { etcdLb } from '../support/balancer.ts';
import { createCertificates } from '../support/certificates.ts';

const exec = promisify(execFile);
const config = join(import.meta.dirname, '../../config');
const units = ['etcd-lb.service', 'etcd-lb-relief.service', 'etcd-lb.socket'] as const;

const parts = new AsyncDisposableStack();
afterAll(() => parts.disposeAsync());
const folder = await mkdtemp(join(tmpdir(), 'etcd-lb-units-'));
parts.defer(() => rm(folder, { recursive: true }));
const certificates = parts.use(await createCertificates());
const { path: analyze, env } = await findSystemdAnalyze();

/** The units with a program that exists here; systemd asks for that. */
const program = join(folder, 'etcd-lb');
await writeFile(program, '#!/bin/sh\n');
await chmod(program, 0o755);
for (const unit of units) {
  const text = await readFile(join(config, 'systemd', unit), 'utf8');
  await writeFile(join(folder, unit), text.replaceAll('/usr/local/bin/etcd-lb', program));
}

function systemdAnalyze(...args: string[]): Promise<{ stdout: string; stderr: string }> {
  return exec(analyze, args, { env: { ...process.env, ...env, SYSTEMD_COLORS: '0' } });
}

test('systemd finds nothing wrong with them', async () => {
  const paths = units.map((unit) => join(folder, unit));
  const { stdout, stderr } = await systemdAnalyze('verify', '--man=no', ...paths);
  expect({ stdout, stderr }).toEqual({ stdout: '', stderr: '' });
});

test('they are exposed no more than the README says', async () => {
  const readme = await readFile(join(config, 'systemd/README.md'), 'utf8');
  const [, noted = ''] = /exposure \*\*(\d\.\d)\*\*/.exec(readme) ?? [];
  for (const unit of units.filter((each) => each.endsWith('.service'))) {
    const path = join(folder, unit);
    const { stdout } = await systemdAnalyze('security', '--offline=true', '--no-pager', path);
    const [, found = ''] = /Overall exposure level for .*: (\d+\.\d)/.exec(stdout) ?? [];
    expect(Number(found), unit).toBeLessThanOrEqual(Number(noted));
  }
});

test('the relief is the service, but for its name, its socket and its start', async () => {
  const [service, relief] = await Promise.all(
    ['etcd-lb.service', 'etcd-lb-relief.service'].map((unit) => linesOf(unit)),
  );
  const only = (own: string[] = [], others: string[] = []) =>
    own.filter((line) => !others.includes(line));
  expect(only(relief, service)).toEqual([
    'Description=etcd-lb, while etcd-lb.service is restarted',
    'Sockets=etcd-lb.socket',
  ]);
  expect(only(service, relief)).toEqual([
    'Description=etcd-lb, a load balancer for etcd',
    '[Install]',
    'WantedBy=multi-user.target',
  ]);
});

describe('what ExecStart= runs', () => {
  test('is accepted by the program, with the example of a configuration', async () => {
    const [, command = ''] =
      /^ExecStart=(.*)$/m.exec((await linesOf('etcd-lb.service')).join('\n')) ?? [];
    const [path, run, ...args] = command.split(' ');
    expect([path, run]).toEqual(['/usr/local/bin/etcd-lb', 'run']);
    const credentials = join(folder, 'credentials');
    await cp(certificates.folder, credentials, { recursive: true });
    await copyFile(join(config, 'etcd-lb.example.yaml'), join(folder, 'etcd-lb.yaml'));
    const here = args.map((arg) =>
      arg
        .replace(/^\$\{CREDENTIALS_DIRECTORY\}/, credentials)
        .replace('/etc/etcd-lb/etcd-lb.yaml', join(folder, 'etcd-lb.yaml')),
    );
    const { code, stdout, stderr } = await etcdLb(['config', ...here]);
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    const settings = (name: string) => new RegExp(`^${name}: "(.*?)"`, 'm').exec(stdout)?.[1];
    // What the units have to fit.
    const lines = await linesOf('etcd-lb.service');
    const limit = Number(valueIn(lines, 'LimitNOFILE'));
    expect(limit).toBeGreaterThan(2 * Number(settings('max-connections')));
    expect(seconds(valueIn(lines, 'TimeoutStopSec'))).toBeGreaterThan(
      seconds(settings('drain-timeout')),
    );
    expect(valueIn(await linesOf('etcd-lb.socket'), 'ListenStream')).toBe(settings('listen'));
  });
});

/** Without comments and empty lines. */
async function linesOf(unit: string): Promise<string[]> {
  const text = await readFile(join(config, 'systemd', unit), 'utf8');
  return text.split('\n').filter((line) => line !== '' && !line.startsWith('#'));
}

function valueIn(lines: readonly string[], key: string): string {
  return lines.find((line) => line.startsWith(`${key}=`))?.slice(key.length + 1) ?? '';
}

function seconds(text: string | undefined): number {
  expect(text).toMatch(/^\d+s$/);
  return Number.parseInt(text ?? '', 10);
}
