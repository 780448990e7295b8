import { expect, test } from 'vitest';
import { isLoopback } from '../../../../src/lib/net/host-port.ts';

test.each([
  ['localhost', true],
  ['127.0.0.1', true],
  ['127.255.0.9', true],
  ['::1', true],
  ['127.example.com', false],
  ['127.0.0.256', false],
  ['10.0.0.1', false],
  ['0.0.0.0', false],
  ['::', false],
])('%s leads to this machine alone: %j', (host, is) => expect(isLoopback(host)).toBe(is));
