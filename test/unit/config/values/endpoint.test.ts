import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  checkUrlOf,
  type Endpoint,
  formatEndpoint,
  formatNamedEndpoint,
  parseCheckUrl,
  parseEndpoints,
} from '../../../../src/config/values/endpoint.ts';
import { formatHostPort } from '../../../../src/lib/net/host-port.ts';
import { hosts, ports } from '../hosts.ts';

const names = fc.stringMatching(/^[\w.-]+$/);
const endpoints = fc
  .record({
    name: fc.option(names),
    scheme: fc.constantFrom('http', 'https'),
    host: hosts,
    port: ports,
  })
  .map((each) => ({ ...each, name: each.name ?? formatHostPort(each.host, each.port) }));

describe('endpoints', () => {
  test.each([
    ['10.0.0.1:2380', '10.0.0.1:2380', 'http', '10.0.0.1', 2380],
    ['10.0.0.1', '10.0.0.1:2379', 'http', '10.0.0.1', 2379],
    ['etcd-0.etcd', 'etcd-0.etcd:2379', 'http', 'etcd-0.etcd', 2379],
    ['https://Etcd-0/', 'etcd-0:2379', 'https', 'etcd-0', 2379],
    ['HTTPS://h:443', 'h:443', 'https', 'h', 443],
    ['http://[::1]:2379/', '[::1]:2379', 'http', '::1', 2379],
    ['[2001:DB8::0]', '[2001:db8::]:2379', 'http', '2001:db8::', 2379],
    ['m0=http://10.0.0.1:2380', 'm0', 'http', '10.0.0.1', 2380],
    ['m-0.x_y=10.0.0.1', 'm-0.x_y', 'http', '10.0.0.1', 2379],
  ])('%s', (text, name, scheme, host, port) => {
    expect(parseEndpoints(text, 'http')).toEqual([{ name, scheme, host, port }]);
  });

  test('get the default scheme if they have none', () => {
    const schemes = parseEndpoints('a, http://b, https://c', 'https').map(({ scheme }) => scheme);
    expect(schemes).toEqual(['https', 'http', 'https']);
  });

  test.each([
    ['', 0],
    [' , ,', 0],
    ['10.0.0.1:2379, 10.0.0.2:2379, ', 2],
    ['10.0.0.1:2379\n10.0.0.2:2379\t10.0.0.3', 3],
    [['a,b', 'c'], 3],
  ])('come as lists people paste: %j', (text, count) => {
    expect(parseEndpoints(text, 'http')).toHaveLength(count);
  });

  test.each([
    [':2379', '":2379" has no host; write host:port, such as 10.0.0.1:2379'],
    ['http://', '"http://" has no host'],
    ['m0=', '"m0=" has no host'],
    ['10.0.0.1:0', 'port "0" is out of range; write 1 to 65535'],
    ['10.0.0.1:65536', 'port "65536" is out of range; write 1 to 65535'],
    ['10.0.0.256', '"10.0.0.256" is neither an IP address nor a host name'],
    ['-x', '"-x" is neither an IP address nor a host name'],
    ['a..b', '"a..b" is neither an IP address nor a host name'],
    ['fd00::1:2379', '"fd00::1:2379" has more than one colon; write IPv6 in brackets'],
    ['http://a/v3', '"http://a/v3" has a path or query; write only scheme://host:port'],
    ['http://a?x=1', '"http://a?x=1" has a path or query'],
    ['http://a//', '"http://a//" has a path or query'],
    ['a#b', '"a#b" has a path or query'],
    ['grpc://a:1', '"grpc://a:1" is neither http nor https; write http:// or https:// in front'],
    ['0.0.0.0:2379', '"0.0.0.0:2379" is an address to listen on'],
    ['[::]:2379', '"[::]:2379" is an address to listen on'],
  ])('refuse %s', (text, reason) => {
    expect(() => parseEndpoints(text, 'http')).toThrow(reason);
  });

  test('refuse a password without repeating it', () => {
    expect(() => parseEndpoints('http://root:secret@a:2379', 'http')).toThrow(
      /^a URL has a user or password; write only scheme:\/\/host:port$/,
    );
  });

  test('survive being written and read', () => {
    fc.assert(
      fc.property(fc.array(endpoints), (list) => {
        const text = list.map(formatNamedEndpoint).join(',');
        expect(parseEndpoints(text, 'http')).toEqual(list);
      }),
    );
  });

  test('are URLs when written', () => {
    fc.assert(
      fc.property(endpoints, (endpoint) => {
        expect(URL.canParse(formatEndpoint(endpoint))).toBe(true);
      }),
    );
  });

  test('are read or refused with a reason, whatever the text', () => {
    fc.assert(
      fc.property(fc.string({ unit: fc.constantFrom(...'a1:/.[]@=?#% -') }), (text) => {
        try {
          for (const each of parseEndpoints(text, 'http')) expect(each.host).not.toBe('');
        } catch (error) {
          expect((error as Error).message).toMatch(/; write /);
        }
      }),
    );
  });
});

describe('check URL templates', () => {
  test.each(['http://{host}:2381', 'https://{host}', 'http://metrics.{host}:2381'])(
    '%s',
    (text) => {
      expect(parseCheckUrl(text)).toBe(text);
      expect(parseCheckUrl(`${text}/`)).toBe(text);
    },
  );

  test.each([
    ['http://10.0.0.1:2381', '"http://10.0.0.1:2381" has no {host}'],
    [
      '{host}:2381',
      '"{host}:2381" is neither http nor https; write a URL such as http://{host}:2381',
    ],
    ['ftp://{host}', '"ftp://{host}" is neither http nor https'],
    ['http://{host}:{port}', '"http://{host}:{port}" is not a URL once {host} is replaced'],
    ['http://{host}:99999', '"http://{host}:99999" is not a URL once {host} is replaced'],
    [
      'http://{host}:2381/readyz',
      'has a path or query, which are fixed; write only http://{host}:2381',
    ],
    ['http://a/{host}', 'has a path or query'],
    ['http://{host}?x', 'has a path or query'],
  ])('refuse %s', (text, reason) => {
    expect(() => parseCheckUrl(text)).toThrow(reason);
  });

  test('refuse a password without repeating it', () => {
    expect(() => parseCheckUrl('http://root:secret@{host}')).toThrow(
      /^a URL has a user or password/,
    );
  });
});

describe('where a member is checked', () => {
  const at = (host: string): Endpoint => ({ name: 'm0', scheme: 'https', host, port: 2379 });

  test.each([
    ['10.0.0.1', undefined, 'https://10.0.0.1:2379'],
    ['fd00::1', undefined, 'https://[fd00::1]:2379'],
    ['10.0.0.1', 'http://{host}:2381', 'http://10.0.0.1:2381'],
    ['fd00::1', 'http://{host}:2381', 'http://[fd00::1]:2381'],
  ])('%s with %s', (host, template, url) => {
    expect(checkUrlOf(at(host), template)).toBe(url);
  });
});
