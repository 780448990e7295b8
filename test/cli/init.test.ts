/**
 * `etcd-lb init` on nodes as kubeadm leaves them, in front of a real cluster. Where it matters the program finds the node
 * at /etc, in a mount namespace. What it makes of manifest and unit is test/operations/init.test.ts.
 */

import { once } from 'node:events';
import { readFile, stat } from 'node:fs/promises';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { parse } from 'yaml';
import { findEtcd } from '../../src/demo/etcd-binary.ts';
import { startLocalCluster } from '../../src/demo/local-cluster.ts';
import type { Finding } from '../../src/diagnose/finding.ts';
import { Balancer, etcdLb } from '../support/balancer.ts';
import { createCertificates } from '../support/certificates.ts';
import { etcd3 } from '../support/clients.ts';
import { type FakeNode, fakeNode } from '../support/fake-node.ts';
import { apiserver, etcd129, external, externalApiserver } from '../unit/init/manifests.ts';

const config = '/etc/etcd-lb/etcd-lb.yaml';
const pod = '/etc/etcd-lb/etcd-lb-pod.yaml';

const parts = new AsyncDisposableStack();
afterAll(() => parts.disposeAsync());
const certificates = parts.use(await createCertificates());
const { ca, client, server } = certificates;
const cluster = parts.use(
  await startLocalCluster({
    ...{ etcd: await findEtcd(), size: 3 },
    tls: { ca, serverCert: server.cert, serverKey: server.key },
  }),
);
const [m0 = { name: '', clientUrl: '', peerUrl: '', clientPort: 0 }] = cluster.members;
const members = cluster.members.map(({ name, clientUrl }) => `${name}=${clientUrl}`);

/** The node of m0. */
const stacked = {
  'etcd.yaml': etcd129({
    ...{ name: m0.name, url: m0.clientUrl, listen: [m0.clientUrl] },
    ...{ peer: m0.peerUrl, initial: `${m0.name}=${m0.peerUrl}` },
  }),
  'kube-apiserver.yaml': apiserver([m0.clientUrl]),
};

async function node(manifests: Record<string, string> = stacked): Promise<FakeNode> {
  return parts.use(await fakeNode(manifests, certificates));
}

const init = (at: FakeNode, ...args: string[]) => etcdLb(['init', '--root', at.root, ...args]);
const settingsIn = (text: string) => parse(text) as Record<string, string | string[]>;

describe('on a node with a member of its own', () => {
  test('--dry-run prints all of it, and writes nothing', async () => {
    const at = await node();
    const { code, stdout, stderr } = await init(at, '--dry-run');
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    expect(await at.added()).toEqual([]);
    expect(stdout).toContain(`--- ${at.root}${config} (mode 0644)\n`);
    expect(stdout).toContain(`--- ${at.root}${pod} (mode 0600)\n`);
    expect(stdout).toContain(`etcd-lb check --config ${config}\n`);
    for (const member of members) expect(stdout).toContain(`\n  - ${member} # `);
  });

  test('writes what check passes and run uses, and overwrites nothing', async () => {
    const at = await node();
    // The umask must not keep the service from reading.
    const first = await etcdLb(['init'], {}, [
      'sh',
      '-c',
      'umask 077; exec "$@"',
      'sh',
      ...at.prefix,
    ]);
    expect(first).toMatchObject({ code: 0, stderr: '' });
    expect(await at.added()).toEqual([pod, config]);
    const modeOf = async (path: string) => (await stat(join(at.root, path))).mode & 0o777;
    expect(await Promise.all([config, pod, '/etc/etcd-lb'].map(modeOf))).toEqual([
      0o644, 0o600, 0o755,
    ]);
    const text = await readFile(at.root + config, 'utf8');
    const settings = settingsIn(text);
    expect(settings).toMatchObject({
      endpoints: members,
      cacert: '/etc/kubernetes/pki/etcd/ca.crt',
      cert: '/etc/kubernetes/pki/etcd/healthcheck-client.crt',
      key: '/etc/kubernetes/pki/etcd/healthcheck-client.key',
    });
    expect(Number(settings['listen']?.slice('127.0.0.1:'.length))).toBeGreaterThanOrEqual(12_379);
    expect(first.stdout).toContain('\n3 members asked: no errors,');
    expect(first.stdout).toContain(`- --etcd-servers=https://${settings['listen']}\n`);

    const checked = await etcdLb(['check', '--json', '--config', config], {}, at.prefix);
    const { findings } = JSON.parse(checked.stdout) as { findings: Finding[] };
    // The certificates of this test are for a day.
    expect(
      findings.filter(({ severity, seen }) => severity !== 'note' && !/expires/.test(seen)),
    ).toEqual([]);

    const second = await etcdLb(['init'], {}, at.prefix);
    expect(second).toMatchObject({ code: 2, stdout: '' });
    expect(second.stderr).toBe(
      `etcd-lb: ${config} exists, and init overwrites nothing; move it away, or see with --dry-run what would be written.\n`,
    );
    expect(await readFile(at.root + config, 'utf8')).toBe(text);

    await using balancer = await Balancer.start(['--config', config], at.prefix);
    await balancer.healthy(cluster.members.map(({ name }) => name));
    expect(balancer.address).toBe(settings['listen']);
    const etcd = etcd3(`https://${balancer.address}`, certificates);
    await etcd.put('init').value('done');
    expect(await etcd.get('init').string()).toBe('done');
    etcd.close();
  });

  test('writes nothing when one file of several is in the way', async () => {
    const at = await node();
    await at.write(pod, 'mine');
    const { code, stderr } = await init(at);
    expect({ code, stderr }).toEqual({
      code: 2,
      stderr: expect.stringMatching(`^etcd-lb: ${at.root}${pod} exists, .*\\.\n$`),
    });
    expect(await at.added()).toEqual([pod]);

    const running = await node({ ...stacked, 'etcd-lb.yaml': 'mine' });
    const refused = await init(running);
    expect(refused.code).toBe(2);
    expect(refused.stderr).toContain('/etc/kubernetes/manifests/etcd-lb.yaml exists, ');
    expect(await running.added()).toEqual([]);
    const { stdout } = await init(at, '--dry-run');
    expect(stdout).toContain(`${at.root}${pod} exists: without --dry-run this is refused.\n`);
  });

  test('leaves nothing when one file of several cannot be written', async () => {
    const at = await node();
    await at.write('/etc/systemd', 'in the way of a folder');
    const { code, stderr } = await init(at, '--as', 'systemd');
    expect({ code, stderr }).toEqual({
      code: 2,
      stderr: `etcd-lb: ${at.root}/etc/systemd/system/etcd-lb.service cannot be written: not a directory; nothing was written. Run this as root, or with --dry-run.\n`,
    });
    expect(await at.added()).toEqual(['/etc/systemd']);
  });

  test('takes the next port where its own is in use', async () => {
    const other = createServer().listen(12_379, '127.0.0.1');
    // Somebody else may have it: in use all the same.
    await Promise.race([once(other, 'listening'), once(other, 'error')]).catch(() => {});
    const { stdout } = await init(await node(), '--dry-run', '--as', 'config');
    other.close();
    expect(stdout).toMatch(/^Where clients connect\. .* 12379(, .*)? (is|are) in use: /m);
    const [, port] = /^listen: 127\.0\.0\.1:(\d+)$/m.exec(stdout) ?? [];
    expect(Number(port)).toBeGreaterThan(12_379);
  });

  test('keeps the address that kube-apiserver goes to already', async () => {
    const manifests = { ...stacked, 'kube-apiserver.yaml': apiserver(['https://127.0.0.1:4']) };
    const { stdout } = await init(await node(manifests), '--dry-run', '--as', 'config');
    expect(stdout).toContain('kube-apiserver goes to https://127.0.0.1:4 already');
    expect(stdout).toMatch(/^listen: 127\.0\.0\.1:4$/m);
    expect(stdout).not.toContain('- --etcd-servers=');
  });

  test('goes on with what the files say when nobody answers', async () => {
    const etcd = etcd129({ url: 'https://127.0.0.1:1', listen: ['https://127.0.0.1:1'] });
    const at = await node({ ...stacked, 'etcd.yaml': etcd });
    const { code, stdout } = await init(at);
    expect(code).toBe(1);
    expect(stdout).toMatch(/^No member could be asked for the list of members \(.*\): /m);
    expect(stdout).toContain('Next:\n  1. Fix what the check calls an error.\n');
    const { endpoints } = settingsIn(await readFile(at.root + config, 'utf8'));
    expect(endpoints).toEqual(['cp1=https://127.0.0.1:1']);
  });
});

test('without a member of its own: the members and certificates of kube-apiserver', async () => {
  const last = cluster.endpoints[2] ?? '';
  const at = await node({ 'kube-apiserver.yaml': externalApiserver([last]) });
  await at.write(external.cacert, await readFile(ca, 'utf8'));
  await at.write(external.cert, await readFile(client.cert, 'utf8'));
  await at.write(external.key, await readFile(client.key, 'utf8'));
  const { code, stdout } = await init(at, '--dry-run', '--as', 'config');
  expect(code).toBe(0);
  const text = stdout.slice(stdout.indexOf('# The settings'), stdout.indexOf('\nNothing was'));
  // kubeadm's own, which are there, are for another etcd.
  expect(settingsIn(text)).toMatchObject({ endpoints: members, ...external });
});

test('elsewhere: the members that --endpoints leads to, with the certificates given', async () => {
  const at = await node({});
  for (const [path, file] of Object.entries({ ca, cert: client.cert, key: client.key })) {
    await at.write(`/srv/${path}.pem`, await readFile(file, 'utf8'));
  }
  const flags = ['--cacert', '/srv/ca.pem', '--cert', '/srv/cert.pem', '--key', '/srv/key.pem'];
  const { code, stdout } = await init(at, '--endpoints', m0.clientUrl, ...flags);
  expect({ code, added: await at.added() }).toEqual({ code: 0, added: [config] });
  const text = await readFile(at.root + config, 'utf8');
  expect(settingsIn(text)).toMatchObject({
    ...{ endpoints: members, cacert: '/srv/ca.pem' },
    ...{ cert: '/srv/cert.pem', key: '/srv/key.pem' },
  });
  expect(text).toContain('every user of this node may read it (mode 0644)');
  expect(stdout).toContain(`etcd-lb run --config ${config}\n`);
});

const ofKubernetes = '/etc/kubernetes/manifests';
const [head = ''] = stacked['etcd.yaml'].split('  containers:');

test.each([
  {
    what: 'a manifest that is not YAML',
    manifests: { 'etcd.yaml': 'spec:\n  containers: [\n' },
    says: `${ofKubernetes}/etcd.yaml:3:1: not valid YAML (`,
  },
  {
    what: 'a manifest without etcd',
    manifests: { 'etcd.yaml': `${head}  containers: []\n` },
    says: `${ofKubernetes}/etcd.yaml: no container runs etcd; correct the manifest`,
  },
  {
    what: 'a manifest that is something else',
    manifests: { 'kube-apiserver.yaml': 'hello\n' },
    says: `${ofKubernetes}/kube-apiserver.yaml: no container runs kube-apiserver;`,
  },
  {
    what: 'no node of kubeadm',
    manifests: {},
    says: `${ofKubernetes} has neither etcd.yaml nor kube-apiserver.yaml,`,
  },
  {
    what: 'a kube-apiserver that goes to nobody who knows the members',
    manifests: { 'kube-apiserver.yaml': apiserver(['https://127.0.0.1:1']) },
    says: 'kube-apiserver.yaml: --etcd-servers names https://127.0.0.1:1, which is on this node',
  },
  {
    what: 'a form that there is not',
    args: ['--as', 'config,pod'],
    says: '--as: "pod" is none of config, static-pod, systemd.',
  },
  {
    what: 'two that listen at one address',
    args: ['--as', 'static-pod', 'systemd'],
    says: '--as: static-pod and systemd would listen at the same address;',
  },
  {
    what: 'an endpoint that is none',
    args: ['--endpoints', 'ftp://10.0.0.1'],
    says: '--endpoints: "ftp://10.0.0.1" is neither http nor https;',
  },
  {
    what: 'a certificate without its key',
    args: ['--cert', '/etc/kubernetes/pki/apiserver-etcd-client.crt'],
    says: '--cert: is given without --key;',
  },
])('$what is one sentence, and nothing is written', async ({ manifests, args = [], says }) => {
  const at = await node(manifests ?? stacked);
  const { code, stdout, stderr } = await init(at, ...args);
  expect({ code, stdout }).toEqual({ code: 2, stdout: '' });
  expect(stderr.replace(at.root, '')).toMatch(/^etcd-lb: .*\.\n$/);
  expect(stderr.replace(at.root, '').slice('etcd-lb: '.length)).toSatisfy((text: string) =>
    text.startsWith(says),
  );
  expect(await at.added()).toEqual([]);
});
