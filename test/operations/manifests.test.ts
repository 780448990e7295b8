/**
 * What config/kubernetes has beside the static pod: are the manifests of their kinds, as their schemas and kustomize read
 * them? Do those that are made from others follow from them? Do they find the pods, and does kubeadm know its words?
 */
import { execFile } from 'node:child_process';
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { PodMonitor } from '@kubernetes-models/prometheus-operator/monitoring.coreos.com/v1/PodMonitor';
import { PrometheusRule } from '@kubernetes-models/prometheus-operator/monitoring.coreos.com/v1/PrometheusRule';
import { Ajv } from 'ajv';
import type { DaemonSet } from 'kubernetes-types/apps/v1.d.ts';
import type { Pod } from 'kubernetes-types/core/v1.d.ts';
import { describe, expect, test } from 'vitest';
import { parse, parseAllDocuments } from 'yaml';
import manifest from '../../package.json' with { type: 'json' };
import { manifests } from '../../src/build/kubernetes.ts';
import { findKubectl } from '../machine/programs.ts';
import { clusterConfiguration } from './kubeadm-schema.ts';

const exec = promisify(execFile);
const root = join(import.meta.dirname, '../..');
const folder = join(root, 'config/kubernetes');
const read = async (path: string) => parse(await readFile(join(folder, path), 'utf8'));
const pod = (await read('etcd-lb.yaml')) as Pod;
const daemonSet = (await read('daemonset/etcd-lb.yaml')) as DaemonSet;
const podMonitor = await read('monitoring/pod-monitor.yaml');
const rule = await read('monitoring/prometheus-rule.yaml');

/** A function, since a dollar means something in a replacement. */
const observeAtNode = () => '--observe=127.0.0.1:9379,$(NODE_ADDRESS):9379';

describe('what is made from other files', () => {
  test.each(Object.entries(manifests()))(
    '%s is what they give; if not, run npm run kubernetes',
    async (path, text) => {
      expect(await readFile(join(folder, path), 'utf8')).toBe(text);
    },
  );

  test('the rule has the alerts, and the DaemonSet the static pod on control-plane nodes', async () => {
    expect(rule.spec).toEqual(await read('../prometheus/alerts.yaml'));
    const [container] = pod.spec?.containers ?? [];
    const nodeAddress = { fieldRef: { fieldPath: 'status.hostIP' } };
    const onEachNode = {
      ...container,
      args: container?.args?.map((arg) => arg.replace(/^--observe=.*/, observeAtNode)),
      env: [{ name: 'NODE_ADDRESS', valueFrom: nodeAddress }],
    };
    expect(daemonSet.spec?.template).toEqual({
      metadata: { labels: pod.metadata?.labels },
      spec: {
        ...{ ...pod.spec, containers: [onEachNode] },
        nodeSelector: { 'node-role.kubernetes.io/control-plane': '' },
        tolerations: [{ operator: 'Exists' }],
      },
    });
    expect(pod.metadata?.labels).toMatchObject(daemonSet.spec?.selector.matchLabels ?? {});
  });
});

describe('the schemas', () => {
  test('of the Prometheus Operator accept the monitor and the rule', () => {
    new PodMonitor(podMonitor).validate();
    new PrometheusRule(rule).validate();
    const wrong = { ...podMonitor, spec: { ...podMonitor.spec, selector: 'etcd-lb' } };
    expect(() => new PodMonitor(wrong).validate()).toThrow(/selector/);
  });

  test('have every field that is used', async () => {
    const types = [
      ["import type { DaemonSet } from 'kubernetes-types/apps/v1'", 'DaemonSet', daemonSet],
      [`import type { IPodMonitor } from '${operator}/PodMonitor'`, 'IPodMonitor', podMonitor],
      [
        `import type { IPrometheusRule } from '${operator}/PrometheusRule'`,
        'IPrometheusRule',
        rule,
      ],
    ] as const;
    const lines = types.flatMap(([line, type, value], index) => [
      `${line};`,
      `export const value${index}: ${type} = ${JSON.stringify(value)};`,
    ]);
    expect(await typeErrors(lines.join('\n'))).toBe('');
  });
});

test('the monitor finds the pods, and the port that they observe at', () => {
  expect(pod.metadata?.labels).toMatchObject(podMonitor.spec.selector.matchLabels);
  expect(podMonitor.metadata.namespace).toBe(pod.metadata?.namespace);
  const [endpoint] = podMonitor.spec.podMetricsEndpoints;
  const port = pod.spec?.containers[0]?.ports?.find(({ name }) => name === endpoint.port);
  expect(pod.spec?.containers[0]?.args?.join()).toMatch(
    new RegExp(`--observe=\\S*:${port?.containerPort}\\b`),
  );
});

test('the monitor gives the labels that prometheus.yaml gives', async () => {
  const [job] = (await read('../prometheus/prometheus.yaml')).scrape_configs;
  const [endpoint] = podMonitor.spec.podMetricsEndpoints;
  const fixed = endpoint.relabelings.filter((each: object) => 'replacement' in each);
  expect(
    fixed.map(({ targetLabel, replacement }: Record<string, string>) => [targetLabel, replacement]),
  ).toEqual(Object.entries({ job: job.job_name, ...job.static_configs[0].labels }));
});

describe('kustomize', async () => {
  const { path, env } = await findKubectl();
  const build = async (name: string) => {
    const { stdout } = await exec(path, ['kustomize', join(folder, name)], { env });
    return parseAllDocuments(stdout).map((each) => each.toJS());
  };

  test('builds the monitoring as it stands there', async () => {
    const byKind = new Map((await build('monitoring')).map((each) => [each.kind, each]));
    expect([...byKind.keys()].sort()).toEqual(['PodMonitor', 'PrometheusRule']);
    expect(byKind.get('PodMonitor')).toEqual(podMonitor);
    // Go's YAML writes folded lines with other spaces, which PromQL does not tell apart.
    const spaced = (value: unknown) => JSON.stringify(value).replaceAll(/(\\n| )+/g, ' ');
    expect(JSON.parse(spaced(byKind.get('PrometheusRule')))).toEqual(JSON.parse(spaced(rule)));
  });

  test('builds the DaemonSet with the image of this version', async () => {
    const [set] = await build('daemonset');
    expect(set).toEqual(daemonSet);
    const [container] = set.spec.template.spec.containers;
    expect(container.image).toBe(`registry.example/etcd-lb:${manifest.version}`);
  });
});

describe('kubeadm', async () => {
  const validate = new Ajv({ strict: true }).compile(clusterConfiguration);
  const files = await readdir(join(folder, 'kubeadm'));

  test.each(files)('has every field of %s', async (file) => {
    const configuration = await read(`kubeadm/${file}`);
    expect(validate(configuration), JSON.stringify(validate.errors)).toBe(true);
  });

  test('sends kube-apiserver to where the static pod listens', async () => {
    const [argument] = (await read('kubeadm/stacked-etcd.yaml')).apiServer.extraArgs;
    const [, address] =
      /^--listen=(.*)$/m.exec(pod.spec?.containers[0]?.args?.join('\n') ?? '') ?? [];
    expect(argument).toEqual({ name: 'etcd-servers', value: `https://${address}` });
    const readme = await readFile(join(folder, 'README.md'), 'utf8');
    expect(readme).toContain(`value: ${argument.value}\n`);
  });
});

const operator = '@kubernetes-models/prometheus-operator/monitoring.coreos.com/v1';

/** What the compiler says of a source, which may import any package. */
async function typeErrors(source: string): Promise<string> {
  await mkdir(join(root, '.cache'), { recursive: true }); // within the repository, where types are found
  const work = await mkdtemp(join(root, '.cache/manifests-'));
  try {
    await writeFile(join(work, 'manifests.ts'), source);
    const options = ['--noEmit', '--strict', '--skipLibCheck', '--ignoreConfig'];
    const modules = ['--module', 'esnext', '--moduleResolution', 'bundler'];
    const { stdout } = await exec(join(root, 'node_modules/.bin/tsc'), [
      ...[...options, ...modules],
      join(work, 'manifests.ts'),
    ]).catch((error: { stdout: string }) => error);
    return stdout;
  } finally {
    await rm(work, { recursive: true });
  }
}
