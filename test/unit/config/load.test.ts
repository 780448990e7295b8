import os from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { loadSettings } from '../../../src/config/load.ts';
import { envName, options } from '../../../src/config/options.ts';
import { folderWith } from './folder.ts';
import { makePair } from './pem.ts';

const load = (
  flags: Readonly<Record<string, string | readonly string[] | undefined>>,
  env: NodeJS.ProcessEnv = {},
) => loadSettings({ flags, env });

/** Values other than the defaults, every combination of which fits together. */
const unusual: Readonly<Record<string, string>> = {
  listen: '127.0.0.1:12379,unix:/run/etcd-lb.sock',
  'reuse-port': 'on',
  'socket-mode': '0600',
  'socket-owner': '1:2',
  endpoints: 'm0=http://10.0.0.1:2379,http://[fd00::9]:22379',
  'discovery-srv': 'example.com',
  'check-url': 'http://{host}:2381',
  'check-interval': '3s',
  'check-fast-interval': '300ms',
  'check-timeout': '600ms',
  'check-rise': '3',
  'check-fall': '4',
  'inspect-interval': '0',
  'max-lag': '5',
  balance: 'random',
  weight: 'm0=3',
  priority: 'm0=1,[fd00::9]:22379=2',
  'dial-timeout': '6s',
  'dial-race-after': '100ms',
  keepalive: '0',
  'suspect-after': '400ms',
  hold: '0',
  'slow-start': '0',
  rebalance: '0',
  'max-session-age': '1h',
  'follow-calls': 'off',
  'max-connections': '7',
  'max-source-share': '50%',
  'snapshot-dir': '/backup',
  'snapshot-every': '1h',
  'snapshot-keep': '3',
  'snapshot-max-rate': '20MB',
  'first-byte-timeout': '0',
  'drain-timeout': '1m',
  name: 'Control plane 1',
  observe: '127.0.0.1:19379,[::1]:19379',
  'observe-names': 'LB.example.com.,lb',
  'admin-socket': '/run/lb.sock',
  'log-level': 'debug',
  'log-format': 'json',
};

describe('settings', () => {
  test('are the defaults where nothing is given but members', () => {
    expect(load({ endpoints: '10.0.0.1' }).settings).toEqual({
      listen: [{ kind: 'tcp', host: '127.0.0.1', port: 2379 }],
      reusePort: false,
      socketMode: 0o660,
      endpoints: [{ name: '10.0.0.1:2379', scheme: 'http', host: '10.0.0.1', port: 2379 }],
      discovery: 'static',
      tls: 'passthrough',
      certificates: { members: {} },
      certificateFiles: {},
      allowClient: [],
      plaintextTcp: false,
      checkInterval: 1000,
      checkFastInterval: 250,
      checkTimeout: 700,
      checkRise: 2,
      checkFall: 2,
      inspectInterval: 10_000,
      maxLag: 10_000,
      balance: 'least-connections',
      weight: [],
      priority: [],
      dialTimeout: 5000,
      dialRaceAfter: 250,
      keepalive: 15_000,
      suspectAfter: 250,
      hold: 4000,
      slowStart: 5000,
      rebalance: 2,
      maxSessionAge: 0,
      followCalls: true,
      maxConnections: 10_000,
      maxSourceShare: 90,
      snapshotEvery: 21_600_000,
      snapshotKeep: 28,
      snapshotMaxRate: 40_000_000,
      firstByteTimeout: 60_000,
      drainTimeout: 10_000,
      name: os.hostname(),
      observe: [{ kind: 'tcp', host: '127.0.0.1', port: 9379 }],
      observeNames: [],
      adminSocket: { kind: 'auto' },
      watchConfig: false,
      logLevel: 'info',
      logFormat: 'auto',
    });
  });

  test('are all read', () => {
    expect(load(unusual).settings).toEqual({
      listen: [
        { kind: 'tcp', host: '127.0.0.1', port: 12_379 },
        { kind: 'unix', path: '/run/etcd-lb.sock' },
      ],
      reusePort: true,
      socketMode: 0o600,
      socketOwner: { uid: 1, gid: 2 },
      endpoints: [
        { name: 'm0', scheme: 'http', host: '10.0.0.1', port: 2379 },
        { name: '[fd00::9]:22379', scheme: 'http', host: 'fd00::9', port: 22_379 },
      ],
      discovery: 'static',
      discoverySrv: 'example.com',
      tls: 'passthrough',
      certificates: { members: {} },
      certificateFiles: {},
      allowClient: [],
      plaintextTcp: false,
      checkUrl: 'http://{host}:2381',
      checkInterval: 3000,
      checkFastInterval: 300,
      checkTimeout: 600,
      checkRise: 3,
      checkFall: 4,
      inspectInterval: 0,
      maxLag: 5,
      balance: 'random',
      weight: [{ member: 'm0', value: 3 }],
      priority: [
        { member: 'm0', value: 1 },
        { member: '[fd00::9]:22379', value: 2 },
      ],
      dialTimeout: 6000,
      dialRaceAfter: 100,
      keepalive: 0,
      suspectAfter: 400,
      hold: 0,
      slowStart: 0,
      rebalance: 0,
      maxSessionAge: 3_600_000,
      followCalls: false,
      maxConnections: 7,
      maxSourceShare: 50,
      snapshotDir: '/backup',
      snapshotEvery: 3_600_000,
      snapshotKeep: 3,
      snapshotMaxRate: 20_000_000,
      firstByteTimeout: 0,
      drainTimeout: 60_000,
      name: 'Control plane 1',
      observe: [
        { kind: 'tcp', host: '127.0.0.1', port: 19_379 },
        { kind: 'tcp', host: '::1', port: 19_379 },
      ],
      observeNames: ['lb.example.com', 'lb'],
      adminSocket: { kind: 'path', path: '/run/lb.sock' },
      watchConfig: false,
      logLevel: 'debug',
      logFormat: 'json',
    });
  });

  test('take https for members without a scheme when certificates are given', async () => {
    const { cert } = await makePair();
    const cacert = join(folderWith({ 'ca.crt': cert }), 'ca.crt');
    const { settings, effective } = load({ endpoints: 'a', cacert });
    expect(settings.endpoints[0]?.scheme).toBe('https');
    expect(settings.certificates).toEqual({ members: { ca: cert } });
    expect(effective.find(({ name }) => name === 'endpoints')?.value).toBe('https://a:2379');
  });

  test('take repeated flags and lists as one list', () => {
    const { settings } = load({ endpoints: ['a', 'b,c'], listen: ['127.0.0.1:1', '127.0.0.1:2'] });
    expect(settings.endpoints.map(({ host }) => host)).toEqual(['a', 'b', 'c']);
    expect(settings.listen).toHaveLength(2);
  });

  test('are found in the file that the environment names', () => {
    const path = join(folderWith({ 'lb.yaml': 'endpoints:\n  - 10.0.0.1\n' }), 'lb.yaml');
    const { effective } = load({}, { ETCD_LB_CONFIG: path });
    expect(effective.find(({ name }) => name === 'endpoints')).toEqual({
      name: 'endpoints',
      value: 'http://10.0.0.1:2379',
      origin: { from: 'file', detail: `${path}:2:3` },
    });
  });
});

describe('the effective settings', () => {
  test('are all there, in the order of the table', () => {
    const names = load({ endpoints: 'a' }).effective.map(({ name }) => name);
    expect(names).toEqual(options.map(({ name }) => name).filter((name) => name !== 'config'));
  });

  test('are what a file would have to say to get the same', () => {
    const first = load(unusual);
    const lines = first.effective
      .filter(({ value }) => value !== '')
      .map(({ name, value }) => `${name}: ${JSON.stringify(value)}\n`);
    const config = join(folderWith({ 'lb.yaml': lines.join('') }), 'lb.yaml');
    expect(load({ config }).settings).toEqual({ ...first.settings, configFile: config });
  });

  test('come from flags, else the environment, else the file, else the default', () => {
    const names = Object.keys(unusual);
    const path = join(
      folderWith({
        'lb.yaml': names.map((name) => `${name}: ${JSON.stringify(unusual[name])}\n`).join(''),
        'endpoints.yaml': 'endpoints: m0=10.0.0.7,[fd00::9]:22379\n',
      }),
      'lb.yaml',
    );
    const given = (subset: readonly string[], key: (name: string) => string) =>
      Object.fromEntries(subset.map((name) => [key(name), unusual[name] ?? '']));
    fc.assert(
      fc.property(
        fc.subarray(names),
        fc.subarray(names),
        fc.boolean(),
        (flags, variables, withFile) => {
          const { effective } = load(
            {
              ...given(flags, (name) => name),
              config: withFile ? path : join(path, '../endpoints.yaml'),
            },
            given(variables, envName),
          );
          for (const { name, value, origin } of effective) {
            if (flags.includes(name)) {
              expect(origin).toEqual({ from: 'flag', detail: `--${name}` });
            } else if (variables.includes(name)) {
              expect(origin).toEqual({ from: 'env', detail: envName(name) });
            } else if ((withFile && name in unusual) || name === 'endpoints') {
              expect(origin.from).toBe('file');
            } else {
              expect(origin.from).toBe('default');
            }
            if (origin.from !== 'default' && name !== 'endpoints')
              expect(value).toBe(unusual[name]);
          }
        },
      ),
    );
  });
});
