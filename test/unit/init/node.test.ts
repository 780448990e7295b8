/** What is read from manifests, as kubeadm of v1.29 and v1.33 writes them. */
import { describe, expect, test } from 'vitest';
import { flagsIn } from '../../../src/init/node/manifest.ts';
import { apiserverIn, claimedPorts, memberIn } from '../../../src/init/node/node.ts';
import { apiserver, etcd129, etcd133, external, externalApiserver } from './manifests.ts';

const path = '/etc/kubernetes/manifests/etcd.yaml';

describe('the member of a node', () => {
  test('of v1.29, the first', () => {
    expect(memberIn(path, etcd129())).toEqual({
      name: 'cp1',
      endpoint: { name: 'cp1', scheme: 'https', host: '10.0.0.1', port: 2379 },
      clientUrls: ['https://127.0.0.1:2379', 'https://10.0.0.1:2379'],
      metricsUrls: ['http://127.0.0.1:2381'],
      peerUrls: ['https://10.0.0.1:2380'],
      initial: [{ name: 'cp1', scheme: 'https', host: '10.0.0.1', port: 2380 }],
    });
  });

  test('of v1.33, which joined two others', () => {
    const { name, endpoint, initial } = memberIn(path, etcd133());
    expect({ name, host: endpoint.host }).toEqual({ name: 'cp3', host: '10.0.0.3' });
    expect(initial.map((each) => each.name)).toEqual(['cp2', 'cp1', 'cp3']);
  });

  test('takes its ports, and kube-apiserver takes one', () => {
    const node = {
      etcd: memberIn(path, etcd129()),
      apiserver: apiserverIn(path, apiserver()),
      files: new Map(),
    };
    expect([...claimedPorts(node)].toSorted()).toEqual([2379, 2380, 2381, 6443]);
  });

  test('with a URL that is none is one sentence', () => {
    expect(() => memberIn(path, etcd129({ url: 'https://$(NODE_IP):2379' }))).toThrow(
      /^\/etc\/kubernetes\/manifests\/etcd\.yaml: --advertise-client-urls: ".*" is neither .*\.$/,
    );
  });
});

test('kube-apiserver says where etcd is, and with which certificates', () => {
  expect(apiserverIn(path, externalApiserver())).toMatchObject({ ...external, port: 6443 });
  const mixed = apiserver(['unix:///run/etcd-lb/etcd.sock', 'https://127.0.0.1:12379']);
  expect(apiserverIn(path, mixed).servers).toMatchObject([{ host: '127.0.0.1', port: 12379 }]);
});

describe('flags', () => {
  const pod = (command: string, args = '[]') =>
    `spec: { containers: [{ name: a, command: [sleep] }, { command: ${command}, args: ${args} }] }`;

  test.each([
    ['[etcd, --name=a, --quota=0, --name=b]', '[]'],
    ['[/usr/local/bin/etcd]', '["--name", "b", "--quota=0"]'],
    ['[etcd]', '[-name=b, --quota, "0"]'],
  ])('are found in %s %s', (command, args) => {
    expect(Object.fromEntries(flagsIn(path, pod(command, args), 'etcd'))).toEqual({
      name: 'b',
      quota: '0',
    });
  });

  test('may be bare, and values may have the sign', () => {
    const flags = flagsIn(path, pod('[etcd, --client-cert-auth, --name=a=b, --last]'), 'etcd');
    expect(Object.fromEntries(flags)).toEqual({
      ...{ 'client-cert-auth': 'true', name: 'a=b', last: 'true' },
    });
  });

  test.each([
    ['{}'],
    ['spec: { containers: 7 }'],
    [pod('[sh, -c, etcd]')],
    ['a: *nowhere'],
    ['spec: {}\n---\nspec: {}'],
  ])('are not found in %j, in one sentence', (text) => {
    expect(() => flagsIn(path, text, 'etcd')).toThrow(
      /^\/etc\/kubernetes\/manifests\/etcd\.yaml[^\n]+ name the members in --endpoints\.$/,
    );
  });
});
