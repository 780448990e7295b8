/** What `etcd-lb init` makes of config/kubernetes and config/systemd, judged as these are. */
import { execFile } from 'node:child_process';
import { chmod, readFile, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import type { Pod } from 'kubernetes-types/core/v1.d.ts';
import { afterAll, describe, expect, test } from 'vitest';
import { parse } from 'yaml';
import { usualAdminSocket } from '../../src/config/values/listen.ts';
import { findSystemdAnalyze } from '../machine/programs.ts';
import { Balancer, etcdLb } from '../support/balancer.ts';
import { createCertificates } from '../support/certificates.ts';
import { type FakeNode, fakeNode } from '../support/fake-node.ts';
import { apiserver, etcd133 } from '../unit/init/manifests.ts';
import { expectFewRights, expectMounts, probe, typeErrorsOf } from './pod.ts';

const parts = new AsyncDisposableStack();
afterAll(() => parts.disposeAsync());
const certificates = parts.use(await createCertificates());

/** Nobody listens at the members. */
const stacked = {
  'etcd.yaml': etcd133({
    url: 'https://127.0.0.1:1',
    listen: ['https://127.0.0.1:1'],
    initial: 'cp2=https://127.0.0.2:2,cp3=https://127.0.0.1:2',
  }),
  'kube-apiserver.yaml': apiserver(['https://127.0.0.1:1']),
};
const config = '/etc/etcd-lb/etcd-lb.yaml';
const pki = '/etc/kubernetes/pki';
const told = ['etcd/ca.crt', 'etcd/healthcheck-client.crt', 'etcd/healthcheck-client.key'];

async function initialised(...args: string[]): Promise<{ node: FakeNode; stdout: string }> {
  const node = parts.use(await fakeNode(stacked, certificates));
  const { code, stdout, stderr } = await etcdLb(['init', '--root', node.root, ...args]);
  expect({ code, stderr }).toEqual({ code: 1, stderr: '' }); // the check misses the members
  return { node, stdout };
}

describe('the static pod', async () => {
  const { node, stdout } = await initialised('--image', 'example.com/etcd-lb:1');
  const pod = parse(
    await readFile(join(node.root, '/etc/etcd-lb/etcd-lb-pod.yaml'), 'utf8'),
  ) as Pod;
  const container = pod.spec?.containers[0];
  /** The program is told of files that are here. */
  const flags = [
    ...(container?.args ?? []).slice(1).flatMap((arg) => {
      if (arg.startsWith('--state-dir=')) return [];
      return arg === `--config=${config}` ? ['--config', node.root + config] : [arg];
    }),
    ...['cacert', 'cert', 'key'].flatMap((name, index) => [
      `--${name}`,
      `${node.root}${pki}/${told[index]}`,
    ]),
  ];

  test('has only fields that Kubernetes has, of their types', async () => {
    expect(await typeErrorsOf(pod)).toBe('');
    expect(container?.image).toBe('example.com/etcd-lb:1');
  });

  test('has no right that it does not need', () => expectFewRights(pod));

  test('sees its settings and the files that these name, and nothing else', async () => {
    const settings = parse(await readFile(node.root + config, 'utf8')) as Record<string, string>;
    const files = [settings['cacert'], settings['cert'], settings['key']];
    expect(files).toEqual(told.map((file) => `${pki}/${file}`));
    const written = ['/var/lib/etcd-lb', dirname(usualAdminSocket)];
    expect(container?.args).toContain(`--state-dir=${written[0]}`);
    expectMounts(pod, [dirname(config), ...files.flatMap((file) => file ?? [])], written);
  });

  test('tells the program what it accepts, and Kubernetes the same ports', async () => {
    expect(container?.args?.[0]).toBe('run');
    const { code, stdout: shown, stderr } = await etcdLb(['config', ...flags]);
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    const portOf = (name: string) =>
      Number(new RegExp(`^${name}: "127\\.0\\.0\\.1:(\\d+)"`, 'm').exec(shown)?.[1]);
    expect(container?.ports).toEqual(
      ['etcd', 'observe'].map((name) => {
        const port = portOf(name === 'etcd' ? 'listen' : name);
        return {
          ...{ name, containerPort: port, hostPort: port },
          ...{ hostIP: '127.0.0.1', protocol: 'TCP' },
        };
      }),
    );
    expect(stdout).toContain(`- --etcd-servers=https://127.0.0.1:${portOf('listen')}\n`);
  });

  test('is probed for what the running program serves, where it serves it', async () => {
    const elsewhere = ['--listen', '127.0.0.1:0', '--observe', '127.0.0.1:0'];
    await using balancer = await Balancer.start([...flags, ...elsewhere]);
    const { codes, addresses } = await probe(pod, balancer);
    expect(codes).toEqual([200, 200, 503]);
    const { observe } = parse(await readFile(node.root + config, 'utf8')) as { observe: string };
    expect(addresses).toEqual([observe, observe, observe]);
  });
});

describe('the unit', () => {
  const unit = '/etc/systemd/system/etcd-lb.service';
  const dropIn = `${unit}.d/50-this-node.conf`;

  /** What systemd says of the unit with its drop-in; the program that it names is one that exists here. */
  async function verify(node: FakeNode): Promise<string> {
    const { path, env } = await findSystemdAnalyze();
    const program = join(node.root, 'etcd-lb');
    await writeFile(program, '#!/bin/sh\n');
    await chmod(program, 0o755);
    for (const file of [unit, dropIn].map((each) => node.root + each)) {
      const text = await readFile(file, 'utf8');
      await writeFile(file, text.replaceAll('/usr/local/bin/etcd-lb', program));
    }
    const { stdout, stderr } = await promisify(execFile)(
      path,
      ['verify', '--man=no', node.root + unit],
      { env: { ...process.env, ...env, SYSTEMD_COLORS: '0' } },
    );
    return stdout + stderr;
  }

  test('is the shipped one, with the certificates of this node in a drop-in', async () => {
    const { node, stdout } = await initialised('--as', 'systemd');
    expect(await node.added()).toEqual(
      [config, dropIn, unit, '/etc/sysusers.d/etcd-lb.conf'].sort(),
    );
    const lines = (text: string) => text.split('\n').filter((line) => !line.startsWith('#'));
    const shipped = join(import.meta.dirname, '../../config/systemd/etcd-lb.service');
    expect(lines(await readFile(node.root + unit, 'utf8'))).toEqual(
      lines(await readFile(shipped, 'utf8')),
    );
    expect(lines(await readFile(node.root + dropIn, 'utf8'))).toEqual([
      '[Service]',
      'LoadCredential=',
      ...['ca.crt', 'client.crt', 'client.key'].map(
        (name, index) => `LoadCredential=${name}:${pki}/${told[index]}`,
      ),
      '',
    ]);
    expect(stdout).toContain('install -m 755 dist/etcd-lb.js /usr/local/bin/etcd-lb\n');
    expect(await verify(node)).toBe('');
    await writeFile(node.root + dropIn, '[Service]\nLoadCredential=\nNonsense=1\n');
    expect(await verify(node)).toContain('Nonsense'); // the drop-in is read
  });

  test('of a package stays, and gets drop-ins, its socket too', async () => {
    const node = parts.use(await fakeNode(stacked, certificates));
    for (const name of ['etcd-lb.service', 'etcd-lb.socket', 'etcd-lb-relief.service']) {
      await node.write(`/usr/lib/systemd/system/${name}`, '');
    }
    const { stdout } = await etcdLb(['init', '--root', node.root, '--as', 'systemd']);
    const folder = '/etc/systemd/system';
    const socket = `${folder}/etcd-lb.socket.d/50-this-node.conf`;
    const relief = `${folder}/etcd-lb-relief.service.d/50-this-node.conf`;
    expect(await node.added()).toEqual([config, relief, dropIn, socket].sort());
    const { listen } = parse(await readFile(node.root + config, 'utf8')) as { listen: string };
    expect(await readFile(node.root + socket, 'utf8')).toMatch(
      new RegExp(`^\\[Socket\\]\nListenStream=\nListenStream=${listen}\n$`, 'm'),
    );
    expect(stdout).not.toContain('install -m 755');
  });

  test('without certificates asks for none', async () => {
    const node = parts.use(await fakeNode({}));
    const flags = ['--as', 'systemd', '--endpoints', 'm0=http://127.0.0.1:1'];
    await etcdLb(['init', '--root', node.root, ...flags]);
    const text = await readFile(node.root + dropIn, 'utf8');
    expect(text).not.toContain('LoadCredential=ca');
    const [, command = ''] = /^ExecStart=(\/.*)$/m.exec(text) ?? [];
    expect(command).toBe(
      `/usr/local/bin/etcd-lb run --config ${config} --state-dir /var/lib/etcd-lb`,
    );
    expect(await verify(node)).toBe('');
  });
});
