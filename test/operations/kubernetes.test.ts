/** config/kubernetes: is the manifest one, does the program accept what it is told, is what is probed there? */
import { readFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import type { Container, Pod } from 'kubernetes-types/core/v1.d.ts';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { parse } from 'yaml';
import { usualAdminSocket } from '../../src/config/values/listen.ts';
import { Balancer, etcdLb } from '../support/balancer.ts';
import { type Certificates, createCertificates } from '../support/certificates.ts';
import { expectFewRights, expectMounts, probe, typeErrorsOf } from './pod.ts';

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
  expect(await typeErrorsOf(pod)).toBe('');
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
  const own = ['/var/lib/etcd-lb', dirname(usualAdminSocket)];
  expect(container.args).toContain(`--state-dir=${own[0]}`);
  expectMounts(
    pod,
    told.map((file) => pki + file),
    own,
  );
});

test('it has no right that it does not need', () => expectFewRights(pod));

describe('probes', () => {
  test('ask for what the running program serves, where it serves it', async () => {
    await using balancer = await Balancer.start(args().flatMap(elsewhere));
    // No member can be reached from here: alive, and not ready.
    const { codes, addresses } = await probe(pod, balancer);
    expect(codes).toEqual([200, 200, 503]);
    for (const address of addresses) expect(args()).toContain(`--observe=${address}`);
  });
});

/** The same settings, for a machine on which others may run. */
function elsewhere(arg: string): string[] {
  const [flag = '', value = ''] = arg.split('=');
  if (flag === '--listen') return [flag, '127.0.0.1:0'];
  if (flag === '--endpoints') return [flag, 'https://127.0.0.1:1'];
  return flag === '--observe' || flag === '--state-dir' ? [] : [flag, value];
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
