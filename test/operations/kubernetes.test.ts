/** config/kubernetes: is the manifest one, does the program accept what it is told, is what is probed there? */
import { readFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import type { Container, Pod } from 'kubernetes-types/core/v1.d.ts';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { parse } from 'yaml';
import { usualAdminSocket } from '../../src/config/values/listen.ts';
import { freePorts } from '../../src/demo/free-ports.ts';
import { Balancer, etcdLb } from '../support/balancer.ts';
import { type Certificates, createCertificates } from '../support/certificates.ts';
import { read } from './alerts.ts';
import { expectFewRights, expectMounts, probe, typeErrorsOf } from './pod.ts';
import { type Configuration, PrometheusServer } from './prometheus-server.ts';

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

/** A flag and its value, which may have an = of its own. */
function halves(arg: string): [string, string] {
  const at = arg.indexOf('=');
  return [arg.slice(0, at), arg.slice(at + 1)];
}

/** What the program is told, with certificates that are here. */
function args(): string[] {
  const files: Record<string, string> = {
    [`${pki}/etcd/ca.crt`]: certificates.ca,
    [`${pki}/apiserver-etcd-client.crt`]: certificates.client.cert,
    [`${pki}/apiserver-etcd-client.key`]: certificates.client.key,
  };
  return (container.args ?? []).slice(1).map((arg) => {
    const [flag, value] = halves(arg);
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

describe('the addresses of --observe', () => {
  const probes = [container.startupProbe, container.livenessProbe, container.readinessProbe];
  const [forProbes, forPrometheus, ...others] = told('--observe').split(',');

  test('are loopback, where the probes ask, and one of the nodes, which prometheus.yaml scrapes all', () => {
    expect(others).toEqual([]);
    expect(forProbes).toMatch(/^127\.0\.0\.1:/);
    for (const probe of probes) {
      const { host, port } = probe?.httpGet ?? {};
      expect(`${host}:${port}`).toBe(forProbes);
    }
    const nodes = told('--endpoints').match(/https:[^,]+/g) ?? [];
    const { scrape_configs: jobs } = read('prometheus.yaml') as Configuration;
    const targets = jobs.flatMap((job) => job.static_configs.flatMap((group) => group.targets));
    expect(targets).toContain(forPrometheus);
    const [, port] = forPrometheus?.split(':') ?? [];
    expect(targets).toEqual(nodes.map((url) => `${new URL(url).hostname}:${port}`));
    expect(container.ports?.find(({ name }) => name === 'observe')).toEqual({
      ...{ name: 'observe', protocol: 'TCP' },
      ...{ containerPort: Number(port), hostPort: Number(port) },
    });
  });

  test('serve the probes on the one, and a real Prometheus on the other', async () => {
    const [port] = await freePorts(1);
    const [own, other] = [`127.0.0.1:${port}`, `127.0.0.2:${port}`];
    await using balancer = await Balancer.start(
      args().flatMap((arg) => elsewhere(arg, `${own},${other}`)),
    );
    const { codes } = await probe(pod, balancer);
    // No member can be reached from here: alive, and not ready.
    expect(codes).toEqual([200, 200, 503]);
    await using prometheus = await PrometheusServer.start([other]);
    const scraped = async () => (await prometheus.query('up == 1')).map(({ metric }) => metric);
    await expect
      .poll(scraped, { timeout: 20_000 })
      .toEqual([{ __name__: 'up', job: 'etcd-lb', cluster: 'production', instance: other }]);
    const [info] = await prometheus.query(`etcd_lb_build_info{instance="${other}"}`);
    expect(info?.value[1]).toBe('1');
  });
});

/** What the manifest says for a flag. */
function told(flag: string): string {
  return container.args?.find((arg) => arg.startsWith(`${flag}=`))?.slice(flag.length + 1) ?? '';
}

/** The same settings, for a machine on which others may run. */
function elsewhere(arg: string, observe: string): string[] {
  const [flag, value] = halves(arg);
  if (flag === '--listen') return [flag, '127.0.0.1:0'];
  if (flag === '--endpoints') return [flag, 'https://127.0.0.1:1'];
  if (flag === '--observe') return [flag, observe];
  return flag === '--state-dir' ? [] : [flag, value];
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
