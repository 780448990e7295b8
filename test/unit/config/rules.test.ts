import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import os, { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { loadSettings } from '../../../src/config/load.ts';
import { makePair } from './pem.ts';
import { refused } from './refused.ts';

const members = { endpoints: 'http://10.0.0.1:2379' };

describe('settings that do not fit together are refused:', () => {
  test('no endpoints', () => {
    const message =
      'no etcd member is named; write their addresses, such as http://10.0.0.1:2379,http://10.0.0.2:2379.';
    expect(refused({})).toBe(`--endpoints (not set): ${message}`);
    expect(refused({ endpoints: ' , ' })).toBe(`--endpoints: ${message}`);
  });

  test('http beside https', () => {
    expect(refused({ endpoints: 'http://a,https://b' })).toBe(
      '--endpoints: http://a:2379 and https://b:2379 mix http and https; write one scheme for all, since a client speaks to any of them.',
    );
  });

  test.each([
    ['a, a', 'a:2379 is named twice; name each member once.'],
    ['http://A:2379, a/', 'a:2379 is named twice; name each member once.'],
    ['[::1]:1,[0::1]:1', '[::1]:1 is named twice; name each member once.'],
    ['m0=a,m1=a:2379', 'a:2379 is named twice, as m0 and as m1; name each member once.'],
    [
      'm0=a,m0=b',
      'm0 is the name of both http://a:2379 and http://b:2379; give each member its own.',
    ],
  ])('a member twice: %s', (endpoints, reason) => {
    expect(refused({ endpoints })).toBe(`--endpoints: ${reason}`);
  });

  test.each([
    [['127.0.0.1:1', '127.0.0.1:1'], '127.0.0.1:1 is named twice; leave one out.'],
    [['127.0.0.1:1', ':1'], '127.0.0.1:1 and [::]:1 cannot both be open; leave one out.'],
    [['unix:/x', 'unix:///x'], 'unix:/x is named twice; leave one out.'],
  ])('a listener twice: %j', (listen, reason) => {
    expect(refused({ ...members, listen })).toBe(`--listen: ${reason}`);
  });

  test('observing on a listener', () => {
    expect(refused({ ...members, observe: 'localhost:2379' })).toBe(
      '--observe: localhost:2379 is also a --listen (default) address; write another port, or off.',
    );
    expect(refused({ ...members, listen: ':9379' })).toBe(
      '--observe (default): 127.0.0.1:9379 is also a --listen address; write another port, or off.',
    );
  });

  test('the balancer in front of itself', () => {
    expect(refused({ endpoints: 'http://127.0.0.1:2379' })).toBe(
      "--endpoints: http://127.0.0.1:2379 is this balancer's own --listen address (default); name the etcd members instead.",
    );
    expect(refused({ endpoints: '10.0.0.1,localhost' }, { ETCD_LB_LISTEN: ':2379' })).toBe(
      "--endpoints: http://localhost:2379 is this balancer's own --listen address (ETCD_LB_LISTEN); name the etcd members instead.",
    );
    expect(refused({ endpoints: os.hostname(), listen: ['unix:/x', '0.0.0.0:2379'] })).toContain(
      "is this balancer's own --listen address; name the etcd members instead.",
    );
  });

  test('a fast interval longer than the interval', () => {
    expect(refused({ ...members, 'check-fast-interval': '3s' })).toBe(
      '--check-fast-interval: 3s is longer than --check-interval 1s (default); write at most 1s, or a longer --check-interval.',
    );
    expect(refused({ ...members, 'check-interval': '100ms' })).toBe(
      '--check-fast-interval (default): 250ms is longer than --check-interval 100ms; write at most 100ms, or a longer --check-interval.',
    );
  });

  test('a timeout longer than it takes to convict', () => {
    expect(refused({ ...members, 'check-timeout': '5s', 'check-fall': '1' })).toBe(
      '--check-timeout: 5s is longer than --check-interval 1s (default) times --check-fall 1; write at most 1s.',
    );
  });

  test('a hold that is longer than clients wait for a keepalive', () => {
    expect(refused({ ...members, hold: '11s' })).toBe(
      '--hold: 11s is longer than clients wait for the answer to a keepalive; write 10s or less.',
    );
  });

  test('a race that starts after the budget', () => {
    expect(refused({ ...members, 'dial-race-after': '5s' })).toBe(
      '--dial-race-after: 5s is not below --dial-timeout 5s (default); write less, or a longer --dial-timeout.',
    );
  });
});

describe('settings fit together', () => {
  test.each([
    { listen: ['127.0.0.1:0', '127.0.0.1:0'], observe: '127.0.0.1:0' },
    { listen: '127.0.0.1:2380', endpoints: '127.0.0.1:2379,127.0.0.1:22379' },
    { listen: '0.0.0.0:2380', endpoints: '127.0.0.1' },
    { 'check-fast-interval': '1s' },
    { 'check-timeout': '2s' },
    { 'dial-race-after': '4999ms' },
    { observe: 'off', listen: '127.0.0.1:9379' },
  ])('%j', (flags) => {
    expect(() => loadSettings({ flags: { ...members, ...flags }, env: {} })).not.toThrow();
  });
});

test.each([
  [{ weight: 'm9=2' }, '--weight: m9 is not a member; write one of m0, m1.'],
  [{ priority: 'm0=1,m0=2' }, '--priority: m0 has two numbers; write one.'],
])('numbers that fit no member: %j', (given, reason) => {
  expect(refused({ endpoints: 'm0=a,m1=b', ...given })).toBe(reason);
});

test.each([
  [
    { 'follow-calls': 'off' },
    '--balance: least-calls counts calls, which --follow-calls off leaves unseen; write follow-calls on, or least-connections.',
  ],
  [
    { endpoints: 'https://10.0.0.1:2379' },
    '--balance: least-calls counts calls, which cannot be seen in TLS that passes through; write least-connections, or another --tls.',
  ],
])('a policy that cannot see what it counts: %j', (given, reason) => {
  expect(refused({ ...members, balance: 'least-calls', ...given })).toBe(reason);
});

test('a file to watch must be named', () => {
  expect(refused({ ...members, 'watch-config': 'on' })).toBe(
    '--watch-config: there is no file to watch; write its path in --config, or leave this out.',
  );
});

describe('discovery', () => {
  test.each([
    [{ 'discovery-srv': 'example.com' }],
    [{ 'discovery-srv': 'example.com', 'state-dir': '/var/lib/etcd-lb', weight: 'm9=2' }],
    [{ ...members, discovery: 'members', priority: 'm9=1' }],
  ])('is enough without endpoints, and knows names that nobody does yet: %j', (flags) => {
    expect(() => loadSettings({ flags, env: {} })).not.toThrow();
  });

  test.each([
    [
      { discovery: 'members', 'inspect-interval': '0' },
      '--discovery: members are not asked for their list while --inspect-interval 0 turns polls off; write a duration there, such as 10s.',
    ],
    [
      { 'discovery-srv': '_etcd-client._tcp.example.com' },
      '--discovery-srv: "_etcd-client._tcp.example.com" is more than the domain; write it alone, such as example.com for _etcd-client._tcp.example.com.',
    ],
    [
      { 'discovery-srv': '10.0.0.1' },
      '--discovery-srv: "10.0.0.1" is not a domain; write one such as example.com.',
    ],
    [
      { discovery: 'dns' },
      '--discovery: "dns" is not one of the choices; write static or members.',
    ],
  ])('is refused: %j', (flags, reason) => {
    expect(refused({ ...members, ...flags })).toBe(reason);
  });
});

describe('TLS of our own', async () => {
  const { cert, key } = await makePair();
  const folder = mkdtempSync(join(tmpdir(), 'etcd-lb-rules-'));
  afterAll(() => rmSync(folder, { recursive: true }));
  for (const [name, text] of Object.entries({ 'tls.crt': cert, 'tls.key': key, 'ca.crt': cert })) {
    writeFileSync(join(folder, name), text);
  }
  const shown = { 'tls-cert': join(folder, 'tls.crt'), 'tls-key': join(folder, 'tls.key') };
  const clientCa = { 'client-ca': join(folder, 'ca.crt') };
  const socket = { listen: 'unix:/x' };
  const secure = { endpoints: 'https://10.0.0.1' };

  test.each([
    { ...members, tls: 'terminate', ...shown, ...clientCa, 'allow-client': 'a,b' },
    { ...secure, tls: 'terminate', ...shown, 'client-ca': 'none', 'server-name': 'etcd.example' },
    { ...secure, tls: 'originate', ...socket },
    { endpoints: '10.0.0.1', tls: 'originate', ...socket },
    { ...secure, tls: 'originate', 'plaintext-tcp': 'on' },
  ])('is accepted: %j', (flags) => {
    const { settings } = loadSettings({ flags, env: {} });
    expect(settings.tls).toBe(flags.tls);
  });

  test.each([
    [
      { ...members, tls: 'terminate' },
      '--tls-cert (not set): clients must be shown a certificate under --tls terminate; write the paths of --tls-cert and --tls-key.',
    ],
    [
      { ...members, tls: 'terminate', 'tls-cert': shown['tls-cert'] },
      '--tls-cert: is given without --tls-key; give both, or neither.',
    ],
    [
      { ...members, ...shown },
      '--tls-cert: no TLS is spoken with clients under --tls passthrough (default); leave it out, or write --tls terminate.',
    ],
    [
      { ...secure, ...socket, tls: 'originate', 'client-ca': 'none' },
      '--client-ca: no TLS is spoken with clients under --tls originate; leave it out, or write --tls terminate.',
    ],
    [
      { ...members, tls: 'terminate', ...shown },
      '--client-ca (not set): --tls terminate must know whom to let in; write the path of the authorities of your clients, or none to let in everybody who can connect.',
    ],
    [
      { ...members, 'allow-client': 'a' },
      '--allow-client: no certificate of a client is seen under --tls passthrough; leave it out, or write --tls terminate.',
    ],
    [
      { ...members, tls: 'terminate', ...shown, 'client-ca': 'none', 'allow-client': 'a' },
      '--allow-client: clients are asked for no certificate under --client-ca none; write the path of their authorities there.',
    ],
    [
      { ...members, ...socket, tls: 'originate' },
      '--endpoints: http://10.0.0.1:2379 speaks no TLS, which --tls originate is for; write https, or --tls passthrough.',
    ],
    [
      { ...members, 'server-name': 'etcd.example' },
      '--server-name: http://10.0.0.1:2379 shows no certificate that could carry etcd.example; leave it out, or write https endpoints.',
    ],
    [
      { ...members, 'plaintext-tcp': 'on' },
      '--plaintext-tcp: is for --tls originate, not for --tls passthrough (default); leave it out.',
    ],
    [
      { ...secure, tls: 'originate' },
      '--listen (default): under --tls originate every process that reaches 127.0.0.1:2379 would have the cluster without a certificate; write unix:/path, or --plaintext-tcp on.',
    ],
    [
      { ...secure, tls: 'originate', listen: ['unix:/x', '10.9.9.9:1'] },
      '--listen: under --tls originate every process that reaches 10.9.9.9:1 would have the cluster without a certificate; write unix:/path, or --plaintext-tcp on.',
    ],
    [
      { ...members, tls: 'both' },
      '--tls: "both" is not one of the choices; write passthrough, terminate or originate.',
    ],
  ])('is refused: %j', (flags, reason) => {
    expect(refused(flags)).toBe(reason);
  });

  test('and the word none is read as no file', () => {
    const flags = { ...members, tls: 'terminate', ...shown, 'client-ca': 'none' };
    expect(loadSettings({ flags, env: {} }).settings.certificates.clients).toEqual({ cert, key });
  });
});
