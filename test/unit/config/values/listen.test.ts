import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  formatListenAddress,
  parseListenAddress,
  parseTcpAddress,
} from '../../../../src/config/values/listen.ts';
import { hosts, ports } from '../hosts.ts';

describe('listen addresses', () => {
  test.each([
    [':2379', { kind: 'tcp', host: '::', port: 2379 }],
    ['127.0.0.1:2379', { kind: 'tcp', host: '127.0.0.1', port: 2379 }],
    ['[::1]:2379', { kind: 'tcp', host: '::1', port: 2379 }],
    ['[0:0:0:0:0:0:0:1]:0', { kind: 'tcp', host: '::1', port: 0 }],
    ['LocalHost:2379', { kind: 'tcp', host: 'localhost', port: 2379 }],
    ['unix:/run/x.sock', { kind: 'unix', path: '/run/x.sock' }],
    ['unix:///run/x.sock', { kind: 'unix', path: '/run/x.sock' }],
    ['unix:/run/../run//x.sock', { kind: 'unix', path: '/run/x.sock' }],
  ])('%s', (text, address) => {
    expect(parseListenAddress(text)).toEqual(address);
  });

  test.each([
    ['2379', '"2379" is neither an IP address nor a host name'],
    ['localhost', '"localhost" has no port; write host:port, such as 127.0.0.1:2379 or :2379'],
    ['::1:2379', '"::1:2379" has more than one colon; write IPv6 in brackets'],
    ['[::1:2379', '"[::1:2379" is neither an IP address nor a host name'],
    ['[::1%eth0]:2379', '"[::1%eth0]" is neither an IP address nor a host name'],
    ['[10.0.0.1]:2379', '"[10.0.0.1]" is neither an IP address nor a host name'],
    ['*:2379', '"*" is neither an IP address nor a host name'],
    ['127.0.0.1:65536', 'port "65536" is out of range; write 0 to 65535'],
    ['127.0.0.1:', 'port "" is out of range; write 0 to 65535'],
    ['127.0.0.1:etcd', 'port "etcd" is out of range; write 0 to 65535'],
    ['http://127.0.0.1:2379', '"http://127.0.0.1:2379" has a scheme; write host:port without it'],
    ['unix:x.sock', '"unix:x.sock" is not an absolute path; write unix:/run/etcd-lb/etcd.sock'],
    ['unix://run/x', '"unix://run/x" is not an absolute path; write unix:/run/etcd-lb/etcd.sock'],
    ['unix:', '"unix:" is not an absolute path'],
    [`unix:/${'x'.repeat(107)}`, "is longer than the 107 bytes a socket's path can have"],
  ])('refuses %s', (text, reason) => {
    expect(() => parseListenAddress(text)).toThrow(reason);
  });

  test('can be limited to TCP', () => {
    expect(() => parseTcpAddress('unix:/run/x')).toThrow(
      '"unix:/run/x" is a Unix socket; write host:port, such as 127.0.0.1:9379',
    );
  });

  test('survive being written and read', () => {
    const tcp = fc.record({ kind: fc.constant('tcp' as const), host: hosts, port: ports });
    const unix = fc
      .constantFrom('/run/x.sock', '/a b/ü,')
      .map((path) => ({ kind: 'unix' as const, path }));
    fc.assert(
      fc.property(fc.oneof(tcp, unix), (address) => {
        expect(parseListenAddress(formatListenAddress(address))).toEqual(address);
      }),
    );
  });
});
