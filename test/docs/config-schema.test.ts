/**
 * The JSON Schema of the configuration file: that it is the one that follows from the settings, and that it judges as
 * the program does. The schema sees values as editors do, with YAML's types; the program sees text.
 */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Ajv2020 } from 'ajv/dist/2020.js';
import { describe, expect, test } from 'vitest';
import { parse } from 'yaml';
import { configSchema } from '../../src/build/config-schema.ts';
import { loadSettings } from '../../src/config/load.ts';
import { options } from '../../src/config/options.ts';
import { folderWith } from '../unit/config/folder.ts';

const folder = join(import.meta.dirname, '../../config');
const text = readFileSync(join(folder, 'etcd-lb.schema.json'), 'utf8');
const validate = new Ajv2020({ allowUnionTypes: true, strict: true }).compile(JSON.parse(text));
const accepts = (yaml: string): boolean => validate(parse(yaml, { schema: 'core' }));

test('is the one that the settings give; if not, run npm run schema', () => {
  expect(text).toBe(configSchema());
});

test('describes every setting but the one that names the file', () => {
  const { properties } = JSON.parse(text) as { properties: Record<string, object> };
  const names = options.map(({ name }) => name).filter((name) => name !== 'config');
  expect(Object.keys(properties)).toEqual(names);
  for (const { name, help } of options.filter(({ key }) => key !== 'config')) {
    expect(properties[name]).toMatchObject({ description: help });
  }
});

describe('the example', () => {
  const example = readFileSync(join(folder, 'etcd-lb.example.yaml'), 'utf8');

  test('names the schema, and passes', () => {
    expect(example.split('\n')[0]).toBe('# yaml-language-server: $schema=./etcd-lb.schema.json');
    expect(accepts(example), JSON.stringify(validate.errors)).toBe(true);
  });

  test('passes with what is commented out', () => {
    const whole = example.replaceAll(/^# (?=[a-z-]+: [^\s$]\S*$)/gm, '');
    expect(Object.keys(parse(whole))).toHaveLength(options.length - 1);
    expect(accepts(whole), JSON.stringify(validate.errors)).toBe(true);
  });
});

test.each(options.filter((option) => option.default !== undefined))(
  'the default of $name passes, with quotes and without',
  ({ name, default: value }) => {
    expect(accepts(`${name}: ${value}`), JSON.stringify(validate.errors)).toBe(true);
    expect(accepts(`${name}: "${value}"`), JSON.stringify(validate.errors)).toBe(true);
  },
);

/** What the program takes, and what it refuses for itself rather than beside other settings. */
describe.each([
  { verdict: 'accepts', isRight: true },
  { verdict: 'refuses', isRight: false },
])('$verdict, as the program does,', ({ isRight }) => {
  const right = [
    ...['socket-mode: 0600', 'socket-mode: 600', 'socket-mode: "0600"', 'socket-owner: 1000'],
    ...['reuse-port: off', 'reuse-port: "on"', 'reuse-port: true', 'reuse-port: "false"'],
    ...['observe: off', 'observe: ":9379"'],
    ...['check-fall: 2', 'check-fall: "2"', 'max-lag: 0', 'rebalance: "0"'],
    ...[
      'check-interval: 1.5s',
      'check-interval: 1m30.5s',
      'drain-timeout: 0',
      'drain-timeout: "0"',
      'slow-start: 1h',
    ],
    ...['balance: nearest', 'log-level: warn', 'discovery: members'],
    ...['listen: [127.0.0.1:1, 127.0.0.1:2]', 'listen: "127.0.0.1:1, 127.0.0.1:2"'],
    ...['weight: [m0=1]', 'priority: m0=2', '{}'],
  ];
  const wrong = [
    ...['check-intervall: 1s', 'Listen: 127.0.0.1:1', 'config: other.yaml'],
    ...['balance: fastest', 'balance: [nearest]', 'log-level: INFO', 'tls: on'],
    ...['reuse-port: yes', 'reuse-port: "True"', 'follow-calls: 1'],
    ...['check-fall: 0', 'check-fall: -1', 'check-fall: 1.5', 'check-fall: "0"', 'max-lag: many'],
    ...[
      'check-interval: 1',
      'check-interval: 0',
      'check-interval: 0s',
      'check-interval: 5 s',
      'check-interval: 1m30',
    ],
    ...['drain-timeout: 10', 'drain-timeout: -1s', 'keepalive: 1d'],
    ...['socket-mode: 0999', 'socket-mode: rw', 'socket-mode: "0669"'],
    ...['cacert: [a.crt]', 'cacert: ""', 'cacert:', 'observe: {port: 1}', 'listen: [[a]]', '[]'],
  ];
  test.each(isRight ? right : wrong)('%s', (yaml) => {
    const config = join(folderWith({ 'etcd-lb.yaml': yaml }), 'etcd-lb.yaml');
    const load = (): unknown =>
      loadSettings({ flags: { config, endpoints: 'm0=http://10.0.0.1:2379' }, env: {} });
    if (isRight) expect(load).not.toThrow();
    else expect(load).toThrow();
    expect(accepts(yaml), JSON.stringify(validate.errors)).toBe(isRight);
  });
});
