/** `etcd-lb config`: what is in force, where it came from, and nothing that is secret. */
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { parse } from 'yaml';
import { loadSettings } from '../../src/config/load.ts';
import { options } from '../../src/config/options.ts';
import { etcdLb } from '../support/balancer.ts';
import { createCertificates } from '../support/certificates.ts';

const parts = new AsyncDisposableStack();
afterAll(() => parts.disposeAsync());
const { ca, client } = parts.use(await createCertificates());
const folder = await mkdtemp(join(tmpdir(), 'etcd-lb-config-'));
parts.defer(() => rm(folder, { recursive: true }));

describe('etcd-lb config', () => {
  test('names the first that has a setting: flag, environment, file, default', async () => {
    const file = join(folder, 'origins.yaml');
    await writeFile(
      file,
      `listen: 127.0.0.1:1111
endpoints: # one a line
  - http://10.0.0.1:2379
  - m1=http://10.0.0.2
check-interval: 11s
check-fast-interval: 111ms
`,
    );
    const env = {
      ETCD_LB_LISTEN: '127.0.0.1:2222',
      ETCD_LB_CHECK_INTERVAL: '22s',
      ETCD_LB_CHECK_RISE: '22',
      ETCD_LB_CONFIG: file,
    };
    const shown = await config(['--listen', '127.0.0.1:3333', '--balance', 'random'], env);
    expect(shown).toMatchObject({
      listen: { value: '127.0.0.1:3333', origin: '--listen' },
      balance: { value: 'random', origin: '--balance' },
      'check-interval': { value: '22s', origin: 'ETCD_LB_CHECK_INTERVAL' },
      'check-rise': { value: '22', origin: 'ETCD_LB_CHECK_RISE' },
      'check-fast-interval': { value: '111ms', origin: `${file}:6:22` },
      endpoints: {
        value: 'http://10.0.0.1:2379,m1=http://10.0.0.2:2379',
        origin: `${file}:3:3`,
      },
      'check-timeout': { value: '700ms', origin: 'default' },
      'socket-owner': { value: undefined, origin: 'not set' },
    });
    const names = options.map(({ name }) => name).filter((name) => name !== 'config');
    expect(Object.keys(shown)).toEqual(names);
  });

  test('is a file that gives the same', async () => {
    const given: Readonly<Record<string, string>> = {
      listen: 'localhost:12379, [::1]:22379 unix:///run/etcd-lb.sock',
      'socket-mode': '600',
      'socket-owner': ':0',
      endpoints: 'm0=10.0.0.1, m1=[fd00::1]:22379, etcd-2.example, ',
      cacert: ca,
      cert: client.cert,
      key: client.key,
      discovery: 'members',
      'discovery-srv': 'example.com',
      'state-dir': folder,
      tls: 'terminate',
      'tls-cert': client.cert,
      'tls-key': client.key,
      'client-ca': ca,
      'allow-client': 'a,spiffe://b/c',
      'server-name': 'etcd.example',
      'check-url': 'http://{host}:2381',
      'check-interval': '3s',
      'check-fast-interval': '0.5s',
      'check-timeout': '1500ms',
      'check-rise': '3',
      'check-fall': '4',
      name: 'cp1',
      'snapshot-dir': folder,
      'snapshot-every': '1h',
      'snapshot-keep': '3',
      'snapshot-max-rate': '20MB',
      user: 'root',
      'password-file': join(folder, 'password'),
      'max-lag': '5',
      balance: 'round-robin',
      weight: 'm0=3',
      priority: 'm0=1,m1=2',
      'dial-timeout': '1m',
      'dial-race-after': '100ms',
      keepalive: '0',
      'max-connections': '7',
      'drain-timeout': '0',
      observe: 'off',
      'observe-names': 'lb.example.com',
      'log-level': 'debug',
      'log-format': 'pretty',
    };
    await writeFile(join(folder, 'password'), 'secret\n');
    const flags = Object.entries(given).flatMap(([name, value]) => [`--${name}`, value]);
    const first = await printed(flags);
    const file = join(folder, 'printed.yaml');
    await writeFile(file, first);
    const second = await printed(['--config', file]);
    expect(first).not.toContain('secret');
    expect(Object.keys(parse(first))).toEqual(expect.arrayContaining(Object.keys(given)));
    expect(parse(second)).toEqual(parse(first));
    expect(parse(first)).toMatchObject({
      endpoints: 'm0=https://10.0.0.1:2379,m1=https://[fd00::1]:22379,https://etcd-2.example:2379',
      'socket-mode': '600',
      observe: 'off',
    });
    const lines = second.trimEnd().split('\n');
    for (const [index, line] of lines.entries()) {
      expect(line).toMatch(new RegExp(`# ${file}:${index + 1}:\\d+$`));
    }
  });

  test('prints the same as JSON, YAML and a table', async () => {
    const flags = ['--endpoints', 'cp1=http://10.0.0.1'];
    const [usual, yaml, json, table] = await Promise.all([
      printed(flags),
      printed([...flags, '-o', 'yaml']),
      printed([...flags, '--json']),
      printed([...flags, '--output=table']),
    ]);
    expect(yaml).toBe(usual);
    const values = JSON.parse(json);
    expect(values).toMatchObject({
      endpoints: { value: 'cp1=http://10.0.0.1:2379', origin: '--endpoints' },
      'drain-timeout': { value: '10s', origin: 'default' },
    });
    expect(values['socket-owner']).toEqual({ origin: 'not set' });
    expect(Object.keys(values)).toHaveLength(options.length - 1);
    expect(table).toMatch(/^SETTING +VALUE +FROM\nendpoints +cp1=http:\/\/10\.0\.0\.1:2379 +--end/);
    expect(table).toMatch(/^socket-owner +- +not set$/m);
  });

  test.each([
    [['--reuse-port'], 'on', true],
    [['--reuse-port', '--check-rise', '3'], 'on', true],
    [['--reuse-port', 'on'], 'on', true],
    [['--reuse-port', 'false'], 'false', false],
    [['--reuse-port=true'], 'true', true],
    [['--reuse-port=off'], 'off', false],
    [['--check-rise', '3', '--reuse-port'], 'on', true],
  ])('takes a switch as %j', async (flags, value, isOn) => {
    const given = ['--endpoints', '10.0.0.1', ...flags];
    expect(await config(given)).toMatchObject({
      'reuse-port': { value, origin: '--reuse-port' },
      'check-rise': { value: flags.includes('3') ? '3' : '2' },
    });
    const { settings } = loadSettings({ flags: { endpoints: 'a', 'reuse-port': value }, env: {} });
    expect(settings.reusePort).toBe(isOn);
  });

  test('takes a switch from the environment and the file, and durations as Go writes them', async () => {
    const file = join(folder, 'switches.yaml');
    await writeFile(file, 'endpoints: 10.0.0.1\nfollow-calls: false\ndrain-timeout: 1m30s\n');
    const shown = await config(['--config', file], { ETCD_LB_REUSE_PORT: 'true' });
    expect(shown).toMatchObject({
      'reuse-port': { value: 'true', origin: 'ETCD_LB_REUSE_PORT' },
      'follow-calls': { value: 'false' },
      'drain-timeout': { value: '1m30s' },
    });
  });

  test('prints paths, never what is in the files', async () => {
    const stdout = await printed([
      ...['--endpoints', '10.0.0.1', '--cacert', ca],
      ...['--cert', client.cert, '--key', client.key],
    ]);
    expect(stdout).toContain(client.key);
    expect(stdout).not.toContain('BEGIN');
    const lines = (await readFile(client.key, 'utf8')).split('\n').filter((line) => line !== '');
    for (const line of lines) expect(stdout).not.toContain(line);
  });

  test('takes a key for what it is not without showing it', async () => {
    const { code, stdout, stderr } = await etcdLb(['config', '--config', client.key]);
    expect({ code, stdout }).toEqual({ code: 2, stdout: '' });
    const [, secret = ''] = (await readFile(client.key, 'utf8')).split('\n');
    expect(secret).toMatch(/^[\w+/=]{64}$/);
    expect(stderr).not.toContain(secret);
  });

  test('is not troubled by what Kubernetes puts into the environment', async () => {
    const env = {
      ETCD_LB_SERVICE_HOST: '10.96.0.9',
      ETCD_LB_SERVICE_PORT: '2379',
      ETCD_LB_PORT: 'tcp://10.96.0.9:2379',
      ETCD_LB_PORT_2379_TCP_ADDR: '10.96.0.9',
    };
    expect(await config(['--endpoints', '10.0.0.1'], env)).toMatchObject({
      listen: { origin: 'default' },
    });
  });

  test('refuses what run refuses, with the same sentence', async () => {
    const flags = ['--endpoints', '10.0.0.1', '--check-rise', 'none'];
    const [shown, ran] = await Promise.all([
      etcdLb(['config', ...flags]),
      etcdLb(['run', ...flags]),
    ]);
    expect(shown).toMatchObject({ code: 2, stdout: '' });
    expect(shown).toEqual(ran);
  });
});

/** What it prints for these flags. */
async function printed(
  flags: readonly string[],
  env: Readonly<Record<string, string>> = {},
): Promise<string> {
  const { code, stdout, stderr } = await etcdLb(['config', ...flags], env);
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
  return stdout;
}

/** The same by name; a setting that is not set has no value. */
async function config(
  flags: readonly string[],
  env: Readonly<Record<string, string>> = {},
): Promise<Record<string, { value: unknown; origin: string }>> {
  const text = await printed(flags, env);
  const values = parse(text) as Record<string, unknown>;
  const lines = text.trimEnd().split('\n');
  return Object.fromEntries(
    lines.map((line) => {
      const [, name = '', origin = ''] = /^(?:# )?([a-z-]+):.* {2}# (.*)$/.exec(line) ?? [];
      return [name, { value: values[name], origin }];
    }),
  );
}
