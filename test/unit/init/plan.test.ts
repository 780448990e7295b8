/** What is planned, and the texts that follow. */
import type { Pod } from 'kubernetes-types/core/v1.d.ts';
import { describe, expect, test } from 'vitest';
import { parse } from 'yaml';
import { chooseCertificates, readersOf } from '../../../src/init/certificates.ts';
import { configurationOf } from '../../../src/init/files/configuration.ts';
import { podOf } from '../../../src/init/files/pod.ts';
import { podTemplate } from '../../../src/init/files/templates.ts';
import type { Members } from '../../../src/init/members.ts';
import {
  apiserverIn,
  clientPairs,
  type FileMode,
  memberIn,
  type Node,
} from '../../../src/init/node/node.ts';
import { type Plan, type PlanInput, planFor } from '../../../src/init/plan.ts';
import { stepsOf } from '../../../src/init/steps.ts';
import { apiserver, etcd129, external, externalApiserver } from './manifests.ts';

const root: FileMode = { mode: 0o600, uid: 0 };
const usual = clientPairs.flatMap(({ cert, key }) => [cert, key]);
const files = new Map(usual.map((path) => [path, root]));
const etcd = memberIn('', etcd129());
const node = (servers?: string[]): Node => ({
  etcd,
  apiserver: apiserverIn('', apiserver(servers)),
  files,
});
const external1: Node = { apiserver: apiserverIn('', externalApiserver()), files: new Map() };
const members: Members = {
  endpoints: [
    { endpoint: etcd.endpoint, why: 'its own' },
    {
      endpoint: { name: '[fd00::2]:2379', scheme: 'https', host: 'fd00::2', port: 2379 },
      why: 'listed',
    },
  ],
  why: 'The members.',
  notes: [],
};

function plan(input: Partial<PlanInput> = {}): Plan {
  const where = input.node ?? node();
  return planFor({
    ...{ form: 'static-pod', node: where, members, scheme: 'https', taken: new Set() },
    certificates: chooseCertificates(where, {}, input.scheme ?? 'https'),
    here: where.etcd ? [where.etcd.endpoint] : [],
    ...input,
  });
}

describe('the address for clients', () => {
  test('is the usual one where no member runs', () => {
    expect(plan({ node: external1 }).listen.port).toBe(2379);
    expect(plan({ node: external1, taken: new Set([2379]) }).listen).toMatchObject({
      port: 12_379,
      why: expect.stringMatching(/ 2379 is in use: /),
    });
  });

  test('is another one beside a member, which is said', () => {
    const { listen, url, apiserver: where } = plan();
    expect({ port: listen.port, url, where }).toEqual({
      ...{ port: 12_379, url: 'https://127.0.0.1:12379', where: 'elsewhere' },
    });
    expect(listen.why).toContain('--listen-client-urls=https://127.0.0.1:2379,');
  });

  test('is the next one that neither is in use nor belongs to somebody', () => {
    const own = memberIn('', etcd129({ peer: 'https://10.0.0.1:12380' }));
    const taken = new Set([12_379, 9379]);
    const { listen, observe } = plan({ node: { ...node(), etcd: own }, taken });
    expect([listen.port, observe.port]).toEqual([12_381, 9380]);
    expect(listen.why).toMatch(/ 12379, 12380 are in use: /);
  });

  test('is where kube-apiserver goes already, even if something listens there', () => {
    const there = plan({ node: node(['https://127.0.0.1:2400']), taken: new Set([2400]) });
    expect(there).toMatchObject({ listen: { port: 2400 }, apiserver: 'here' });
    expect(there.notes).toEqual([expect.stringContaining('listens on 127.0.0.1:2400 already')]);
  });

  test('is not that of a member without a manifest, to which kube-apiserver goes', () => {
    const local = { apiserver: apiserverIn('', apiserver()), files };
    const here = [{ name: 'a', scheme: 'https', host: '10.0.0.1', port: 2379 } as const];
    expect(plan({ node: local, here })).toMatchObject({
      listen: { port: 12_379 },
      apiserver: 'elsewhere',
    });
  });
});

describe('certificates', () => {
  const paths = (where: Node, given = {}, scheme: 'http' | 'https' = 'https') =>
    Object.values(chooseCertificates(where, given, scheme)).map(({ path }) => path);
  const [checks, shared] = clientPairs;

  test('are those for health checks, else those of kube-apiserver', () => {
    expect(paths(node()).slice(1)).toEqual([checks?.cert, checks?.key]);
    expect(paths({ ...node(), files: new Map() }).slice(1)).toEqual([shared?.cert, shared?.key]);
    expect(paths({ ...external1, files })).toEqual(Object.values(external));
    expect(paths({ files }, {})).toEqual([shared?.cert, shared?.key]);
  });

  test('are those given, and none for http', () => {
    expect(paths(node(), { cacert: '/a', cert: '/b', key: '/c' })).toEqual(['/a', '/b', '/c']);
    expect(paths(node(), {}, 'http')).toEqual([]);
  });

  test.each([
    [root, 'only root may read it (mode 0600)'],
    [{ mode: 0o640, uid: 7 }, 'its owner and its group may read it (mode 0640)'],
    [{ mode: 0o400, uid: 7 }, 'only user 7 may read it (mode 0400)'],
    [{ mode: 0o644, uid: 0 }, 'every user of this node may read it (mode 0644): take that away'],
    [undefined, 'it is not there yet'],
  ])('of mode %o: who may read the key', (mode, words) => {
    expect(readersOf(mode)).toBe(words);
  });
});

describe('the configuration', () => {
  test('has what was planned, and a reason beside each setting', () => {
    const text = configurationOf(plan(), node(), '1.2.3');
    expect(parse(text)).toEqual({
      listen: '127.0.0.1:12379',
      endpoints: ['cp1=https://10.0.0.1:2379', 'https://[fd00::2]:2379'],
      cacert: '/etc/kubernetes/pki/etcd/ca.crt',
      cert: clientPairs[0]?.cert,
      key: clientPairs[0]?.key,
      observe: '127.0.0.1:9379',
    });
    const lines = text.split('\n');
    for (const [index, line] of lines.entries()) {
      if (/^[a-z]/.test(line)) expect(lines[index - 1], line).toMatch(/^# ./);
      if (line.startsWith('  - ')) expect(line).toMatch(/ # ./);
      expect(line.length, line).toBeLessThanOrEqual(100);
    }
    expect(text).toContain('only root may read it');
  });

  test('quotes paths that YAML would read otherwise', () => {
    const files = chooseCertificates(node(), { cacert: '/a: b #c' }, 'https');
    const text = configurationOf(plan({ certificates: files }), node(), '1.2.3');
    expect(parse(text)).toMatchObject({ cacert: '/a: b #c' });
  });

  test('says why members are not checked at their metrics', () => {
    const open = memberIn('', etcd129().replace('http://127.0.0.1:2381', 'http://0.0.0.0:2381'));
    const words = (each: Node) =>
      configurationOf(plan(), each, '')
        .replaceAll(/\n# /g, ' ')
        .match(/not at http.*/)?.[0];
    expect(words(node())).toContain('which no other node can reach.');
    expect(words({ ...node(), etcd: open })).toContain('check-url: http://{host}:2381.');
  });
});

test('the pod has the ports of the plan everywhere, and no certificates where there are none', () => {
  const there = plan({
    ...{ node: node(['http://127.0.0.1:2400']), scheme: 'http', taken: new Set([9379]) },
  });
  const text = podOf(podTemplate, there, undefined);
  expect(text).not.toMatch(/12379|9379|10\.0\.0\.|kubernetes\/pki/);
  expect(text.match(/2400/g)).toHaveLength(2);
  const { spec } = parse(text) as Pod;
  const left = ['settings', 'state', 'admin'];
  expect(spec?.containers[0]?.volumeMounts?.map(({ name }) => name)).toEqual(left);
  expect(spec?.volumes?.map(({ name }) => name)).toEqual(left);
  expect(text.match(/9380/g)).toHaveLength(5);
  // What is not replaced is as it was, its comments too.
  const lines = (some: string) => some.split('\n').filter((line) => /^ +#/.test(line));
  // Those of settings that are in the file now stand in front of them in the template.
  const dropped = podTemplate.match(/(?:^ +#.*\n)+(?= +- --(?:listen|observe)=)/gm)?.join('') ?? '';
  const kept = lines(podTemplate).filter((line) => !lines(dropped).includes(line));
  expect(lines(dropped)).toHaveLength(5);
  expect(lines(text)).toEqual(expect.arrayContaining(kept));
});

describe('the steps', () => {
  const commands = (each: Plan, input = {}) =>
    stepsOf(each, { imageToSet: undefined, programToInstall: undefined, ...input }).map(
      ({ command }) => command,
    );

  test('of a static pod: it is started before anything uses it', () => {
    expect(commands(plan(), { imageToSet: 'x/y:1' })).toEqual([
      "sed -i 's|x/y:1|YOUR-IMAGE|' /etc/etcd-lb/etcd-lb-pod.yaml",
      'cp /etc/etcd-lb/etcd-lb-pod.yaml /etc/kubernetes/manifests/etcd-lb.yaml',
      'curl -s http://127.0.0.1:9379/readyz',
      '- --etcd-servers=https://127.0.0.1:12379',
      'kubectl get --raw /readyz',
      undefined,
      'kubectl -n kube-system edit configmap kubeadm-config',
    ]);
  });

  test('leave kube-apiserver alone where it goes there already', () => {
    const there = commands(plan({ node: node(['https://127.0.0.1:2400']) }));
    expect(there.join('\n')).not.toContain('--etcd-servers');
  });

  test('elsewhere end with the address for clients', () => {
    const where = { files: new Map() };
    expect(commands(plan({ node: where, form: 'config', scheme: 'http' }))).toEqual([
      'etcd-lb run --config /etc/etcd-lb/etcd-lb.yaml',
      'curl -s http://127.0.0.1:9379/readyz',
      'http://127.0.0.1:2379',
    ]);
  });
});
