import { expect, test } from 'vitest';
import { parseSize } from '../../../../src/config/values/size.ts';

test.each([
  ['1B', 1],
  ['500kB', 500_000],
  ['1.5MB', 1_500_000],
  ['16MiB', 16_777_216],
  ['2 GB', 2_000_000_000],
])('%s', (text, bytes) => expect(parseSize(text)).toBe(bytes));

test.each(['', '20', 'MB', '0MB', '-1MB', '1TBx', '1e3MB', '1mb'])('%j is refused', (text) => {
  expect(() => parseSize(text)).toThrow('is not a size; write one such as 20MB or 16MiB');
});
