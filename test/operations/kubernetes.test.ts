/** config/kubernetes: is the manifest one, does the program accept what it is told, is what is probed there? */
import { execFile } from 'node:child_process';
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import type { Container, Pod, Probe } from 'kubernetes-types/core/v1.d.ts';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { parse } from 'yaml';
import { usualAdminSocket } from '../../src/config/values/listen.ts';
import { Balancer, etcdLb } from '../support/balancer.ts';
import { type Certificates, createCertificates } from '../support/certificates.ts';

const root = join(import.meta.dirname, '../..');
const pki = '/etc/kubernetes/pki';
const text = await readFile(join(root, 'config/kubernetes/etcd-lb.yaml'), 'utf8');
const pod = parse(text) as Pod;
const container = pod.spec?.containers[0] as Container;

let certificates: Certificates;
beforeAll(async () => {
  certificates = await createCertificates();
});
afterAll(() => certificates[Symbol.asyncDispose]());

/** What the program is told, with certificates that are here. */
function args(): string[] {
  const files: Record<string, string> = {
    [`${pki}/etcd/ca.crt`]: certificates.ca,
    [`${pki}/apiserver-etcd-client.crt`]: certificates.client.cert,
    [`${pki}/apiserver-etcd-client.key`]: certificates.client.key,
  };
  return (container.args ?? []).slice(1).map((arg) => {
    const [flag = '', value = ''] = arg.split('=');
    return `${flag}=${files[value] ?? value}`;
  });
}

test('every field is one that Kubernetes has, of its type', async () => {
  // Within the repository, where the types are found.
  await mkdir(join(root, '.cache'), { recursive: true });
  const folder = await mkdtemp(join(root, '.cache/pod-'));
  try {
    const file = join(folder, 'pod.ts');
    const source = `import type { Pod } from 'kubernetes-types/core/v1';\nexport const pod: Pod = `;
    await writeFile(file, `${source}${JSON.stringify(pod)};\n`);
    const options = ['--noEmit', '--strict', '--skipLibCheck', '--ignoreConfig'];
    const { stdout } = await promisify(execFile)(join(root, 'node_modules/.bin/tsc'), [
      ...options,
      ...['--module', 'esnext', '--moduleResolution', 'bundler', file],
    ]).catch((error: { stdout: string }) => error);
    expect(stdout).toBe('');
  } finally {
    await rm(folder, { recursive: true });
  }
});

test('the program accepts what it is told, and is not put in front of its own member', async () => {
  expect(container.args?.[0]).toBe('run');
  const { code, stdout, stderr } = await etcdLb(['config', ...args()]);
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
  expect(stdout).toMatch(/^listen: "127\.0\.0\.1:12379"/m);
  expect(stdout).toMatch(/^observe: "127\.0\.0\.1:9379"/m);
  const [, drain = ''] = /^drain-timeout: "(\d+)s"/m.exec(stdout) ?? [];
  expect(pod.spec?.terminationGracePeriodSeconds).toBeGreaterThan(Number(drain));
});

test('it sees the files that it is told of and no other, and writes only where its state and its admin socket are', () => {
  const told = (container.args ?? []).flatMap((arg) => arg.split(`=${pki}`)[1] ?? []);
  const mounts = container.volumeMounts ?? [];
  const own = ['/var/lib/etcd-lb', dirname(usualAdminSocket)];
  expect(container.args).toContain(`--state-dir=${own[0]}`);
  expect(mounts.map(({ mountPath }) => mountPath)).toEqual([
    ...told.map((file) => pki + file),
    ...own,
  ]);
  const written = mounts.filter(({ readOnly }) => readOnly !== true);
  expect(written.map(({ mountPath }) => mountPath)).toEqual(own);
  const paths = new Map(pod.spec?.volumes?.map(({ name, hostPath }) => [name, hostPath?.path]));
  expect(mounts.map(({ name }) => paths.get(name))).toEqual(
    mounts.map(({ mountPath }) => mountPath),
  );
});

test('it has no right that it does not need', () => {
  expect(container.securityContext).toEqual({
    allowPrivilegeEscalation: false,
    privileged: false,
    readOnlyRootFilesystem: true,
    capabilities: { drop: ['ALL'] },
  });
  expect(pod.spec).toMatchObject({
    hostNetwork: true,
    priorityClassName: 'system-node-critical',
    automountServiceAccountToken: false,
  });
});

describe('probes', () => {
  test('ask for what the running program serves, where it serves it', async () => {
    await using balancer = await Balancer.start(args().flatMap(elsewhere));
    const probes = [container.startupProbe, container.livenessProbe, container.readinessProbe];
    const codes = await Promise.all(probes.map((probe) => codeOf(balancer, probe)));
    // No member can be reached from here: alive, and not ready.
    expect(codes).toEqual([200, 200, 503]);
    for (const probe of probes) {
      const { host, port } = probe?.httpGet ?? {};
      expect(args()).toContain(`--observe=${host}:${port}`);
    }
  });
});

/** The same settings, for a machine on which others may run. */
function elsewhere(arg: string): string[] {
  const [flag = '', value = ''] = arg.split('=');
  if (flag === '--listen') return [flag, '127.0.0.1:0'];
  if (flag === '--endpoints') return [flag, 'https://127.0.0.1:1'];
  return flag === '--observe' || flag === '--state-dir' ? [] : [flag, value];
}

async function codeOf(balancer: Balancer, probe: Probe | undefined): Promise<number> {
  return (await fetch(balancer.observeUrl + probe?.httpGet?.path)).status;
}

test('the notes for kube-apiserver name the address that it listens on', async () => {
  const readme = await readFile(join(root, 'config/kubernetes/README.md'), 'utf8');
  const [, manifest = '', kubeadm = ''] =
    /```yaml\n([\s\S]*?)```[\s\S]*?```yaml\n([\s\S]*?)```/.exec(readme) ?? [];
  const url = 'https://127.0.0.1:12379';
  expect(parse(manifest)).toEqual([`--etcd-servers=${url}`]);
  expect(parse(kubeadm)).toEqual({
    apiVersion: 'kubeadm.k8s.io/v1beta4',
    kind: 'ClusterConfiguration',
    apiServer: { extraArgs: [{ name: 'etcd-servers', value: url }] },
  });
});
