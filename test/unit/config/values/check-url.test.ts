import { describe, expect, test } from 'vitest';
import { checkUrlOf, parseCheckUrl } from '../../../../src/config/values/check-url.ts';
import type { Endpoint } from '../../../../src/config/values/endpoint.ts';

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
