import { describe, expect, test } from 'vitest';
import { envName, options } from '../../../src/config/options.ts';
import { refused } from './refused.ts';

describe('the table of settings', () => {
  test('names them in kebab-case, each once', () => {
    const names = options.map(({ name }) => name);
    expect(new Set(names).size).toBe(names.length);
    for (const name of names) expect(name).toMatch(/^[a-z]+(-[a-z]+)*$/);
    expect(names).toContain('check-fast-interval');
  });

  test('explains each in one sentence', () => {
    for (const { help } of options) expect(help).toMatch(/^.{10,130}\.$/);
  });

  test('has defaults that are valid', () => {
    for (const option of options) {
      if (option.default === undefined) continue;
      expect(option.shape.safeParse(option.default).success, option.name).toBe(true);
    }
  });

  test('gives variables their names', () => {
    expect(envName('check-interval')).toBe('ETCD_LB_CHECK_INTERVAL');
  });
});

describe('a value is refused', () => {
  test.each([
    ['check-interval', '2x', '"2x" is not a duration; write 2s or 250ms.'],
    ['check-interval', '0', 'must be longer than 0; write 2s or 250ms.'],
    ['check-fast-interval', '0s', 'must be longer than 0; write 2s or 250ms.'],
    ['check-timeout', '0', 'must be longer than 0; write 2s or 250ms.'],
    ['dial-timeout', '0', 'must be longer than 0; write 2s or 250ms.'],
    ['dial-race-after', '0', 'must be longer than 0; write 2s or 250ms.'],
    ['drain-timeout', '5', '"5" has no unit; write 2s or 250ms.'],
    ['keepalive', '500ms', '500ms is not possible; write whole seconds up to 9h, or 0 for none.'],
    ['keepalive', '10h', '10h is not possible; write whole seconds up to 9h, or 0 for none.'],
    ['check-rise', '0', '"0" is not a number of 1 or more; write one, such as 2.'],
    ['check-fall', '-1', '"-1" is not a number of 1 or more; write one, such as 2.'],
    ['max-connections', '1e3', '"1e3" is not a number of 1 or more; write one, such as 2.'],
    ['socket-mode', '0689', '"0689" is not an octal mode; write one such as 0660.'],
    ['socket-mode', '66', '"66" is not an octal mode; write one such as 0660.'],
    ['socket-mode', '4777', '"4777" is not an octal mode; write one such as 0660.'],
    [
      'socket-owner',
      'no-such',
      'user "no-such" is not in /etc/passwd; write one that is, or its number.',
    ],
    [
      'balance',
      'leastconn',
      '"leastconn" is not one of the choices; write least-connections, least-calls, round-robin, random, leader or nearest.',
    ],
    [
      'log-level',
      'INFO',
      '"INFO" is not one of the choices; write trace, debug, info, warn or error.',
    ],
    ['log-format', 'text', '"text" is not one of the choices; write auto, json or pretty.'],
    ['listen', '127.0.0.1:70000', 'port "70000" is out of range; write 0 to 65535.'],
    ['listen', '', 'is empty; write a value, or leave it out for the default.'],
    [
      'observe',
      'unix:/run/x',
      '"unix:/run/x" is a Unix socket; write host:port, such as 127.0.0.1:9379.',
    ],
    [
      'observe-names',
      '10.0.0.1',
      '"10.0.0.1" is not a host name; write one such as lb.example.com.',
    ],
    ['observe', '127.0.0.1:70000', 'port "70000" is out of range; write 0 to 65535.'],
    ['endpoints', 'a:70000', 'port "70000" is out of range; write 1 to 65535.'],
    ['check-url', '', 'is empty; write a value, or leave it out for the default.'],
    [
      'check-url',
      'http://a',
      '"http://a" has no {host}, so every member would be checked at one place; write a URL such as http://{host}:2381.',
    ],
    [
      'weight',
      'm0=0',
      '"m0=0" is not a member and a number from 1 to 65535; write one such as cp1=2.',
    ],
    [
      'priority',
      'm0:1',
      '"m0:1" is not a member and a number from 0 to 65535; write one such as cp1=2.',
    ],
    [
      'priority',
      'm0=65536',
      '"m0=65536" is not a member and a number from 0 to 65535; write one such as cp1=2.',
    ],
    ['max-lag', '-1', '"-1" is not a number of 0 or more; write one, such as 2.'],
    ['cert', ' ', 'is empty; write a value, or leave it out for the default.'],
  ])('--%s %j', (name, value, reason) => {
    expect(refused({ endpoints: '10.0.0.1', [name]: value })).toBe(`--${name}: ${reason}`);
  });

  test('given twice where once is meant', () => {
    expect(refused({ endpoints: '10.0.0.1', balance: ['random', 'round-robin'] })).toBe(
      '--balance: takes one value, not a list.',
    );
  });
});
