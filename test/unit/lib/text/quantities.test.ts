import { expect, test } from 'vitest';
import { formatBytes, roughTime } from '../../../../src/lib/text/quantities.ts';

test.each([
  [0, '0 B'],
  [999, '999 B'],
  [20_480, '20 kB'],
  [1_540_000, '1.5 MB'],
  [2_147_483_648, '2.1 GB'],
  [999_500, '1 MB'],
  [5e15, '5000 TB'],
])('%d bytes are %s', (bytes, words) => expect(formatBytes(bytes)).toBe(words));

test.each([
  [0.0042, '4.2 ms'],
  [0.35, '350 ms'],
  [12.4, '12 s'],
  [300, '5 min'],
  [7_200, '2 h'],
  [12 * 86_400, '12 days'],
])('%d seconds are %s', (seconds, words) => expect(roughTime(seconds)).toBe(words));
