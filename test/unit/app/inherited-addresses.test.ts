/** When inherited sockets are those that were asked for, and which are refused. */
import { describe, expect, test } from 'vitest';
import { agree, refuseExposure } from '../../../src/app/inherited-addresses.ts';
import { parseListenAddress } from '../../../src/config/values/listen.ts';
import { ConfigError } from '../../../src/lib/setting-error.ts';

const addresses = (...texts: string[]) => texts.map(parseListenAddress);

test.each([
  { inherited: ['127.0.0.1:2379'], asked: ['127.0.0.1:2379'], same: true },
  { inherited: ['127.0.0.1:2379'], asked: ['localhost:2379'], same: true },
  { inherited: ['127.0.0.1:2379'], asked: ['127.0.0.1:0'], same: true },
  { inherited: ['[::]:2379'], asked: [':2379'], same: true },
  { inherited: ['unix:/a', '[::1]:1'], asked: ['[::1]:1', 'unix:/a'], same: true },
  { inherited: ['127.0.0.1:2379'], asked: ['127.0.0.1:2380'], same: false },
  { inherited: ['127.0.0.1:2379'], asked: ['10.0.0.1:2379'], same: false },
  { inherited: ['unix:/a'], asked: ['127.0.0.1:2379'], same: false },
  { inherited: ['127.0.0.1:1', '127.0.0.1:2'], asked: ['127.0.0.1:1'], same: false },
])('$inherited for $asked: $same', ({ inherited, asked, same }) => {
  expect(agree(addresses(...inherited), addresses(...asked))).toBe(same);
});

describe('refuseExposure', () => {
  const both = addresses('unix:/a', '127.0.0.1:2379');
  test('refuses TCP without a certificate on either side of it', () => {
    const settings = { tls: 'originate', plaintextTcp: false } as const;
    expect(() => refuseExposure(settings, both)).toThrow(ConfigError);
    expect(() => refuseExposure(settings, addresses('unix:/a'))).not.toThrow();
  });

  test('lets pass what was allowed', () => {
    expect(() => refuseExposure({ tls: 'originate', plaintextTcp: true }, both)).not.toThrow();
    expect(() => refuseExposure({ tls: 'passthrough', plaintextTcp: false }, both)).not.toThrow();
  });
});
