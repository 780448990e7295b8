import { describe, expect, test } from 'vitest';
import { overlap, reaches, thisMachine } from '../../../src/config/collision.ts';
import { parseTcpAddress } from '../../../src/config/values/listen.ts';

const machine = { hostname: 'box', addresses: ['127.0.0.1', '::1', '192.0.2.7', '2001:db8::7'] };

const isSelf = (target: string, listen: string): boolean =>
  reaches(parseTcpAddress(target), parseTcpAddress(listen), machine);

describe('an endpoint is the balancer itself', () => {
  test.each([
    ['127.0.0.1:2379', '127.0.0.1:2379'],
    ['localhost:2379', '127.0.0.1:2379'],
    ['127.0.0.1:2379', 'localhost:2379'],
    ['localhost:2379', '[::1]:2379'],
    ['etcd-0:2379', 'etcd-0:2379'],
    ['127.0.0.2:2379', '0.0.0.0:2379'],
    ['192.0.2.7:2379', '0.0.0.0:2379'],
    ['box:2379', '0.0.0.0:2379'],
    ['192.0.2.7:2379', ':2379'],
    ['[2001:db8::7]:2379', ':2379'],
    ['[::1]:2379', ':2379'],
    ['localhost:2379', ':2379'],
  ])('%s behind %s', (target, listen) => {
    expect(isSelf(target, listen)).toBe(true);
  });

  test.each([
    ['127.0.0.1:2380', '127.0.0.1:2379'],
    ['127.0.0.2:2379', '127.0.0.1:2379'],
    ['[::1]:2379', '127.0.0.1:2379'],
    ['[::1]:2379', '0.0.0.0:2379'],
    ['192.0.2.7:2379', '127.0.0.1:2379'],
    ['192.0.2.8:2379', ':2379'],
    ['etcd-0:2379', ':2379'],
  ])('not %s behind %s', (target, listen) => {
    expect(isSelf(target, listen)).toBe(false);
  });
});

describe('listeners overlap', () => {
  test.each([
    ['127.0.0.1:1', '127.0.0.1:1', true],
    ['127.0.0.1:1', 'localhost:1', true],
    ['127.0.0.1:1', ':1', true],
    ['0.0.0.0:1', '127.0.0.1:1', true],
    ['0.0.0.0:1', ':1', true],
    ['127.0.0.1:1', '127.0.0.1:2', false],
    ['127.0.0.1:1', '127.0.0.2:1', false],
    ['127.0.0.1:1', '[::1]:1', false],
    ['0.0.0.0:1', '[::1]:1', false],
    ['127.0.0.1:0', '127.0.0.1:0', false],
  ])('%s and %s: %s', (a, b, expected) => {
    expect(overlap(parseTcpAddress(a), parseTcpAddress(b))).toBe(expected);
    expect(overlap(parseTcpAddress(b), parseTcpAddress(a))).toBe(expected);
  });
});

test('this machine has a name and a loopback address', () => {
  expect(thisMachine().hostname).not.toBe('');
  expect(thisMachine().addresses).toContain('127.0.0.1');
});
